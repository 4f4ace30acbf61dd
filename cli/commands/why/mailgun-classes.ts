import { DAY_MS } from '../../../lambdas/contract.ts';
import { isObject, type JsonObject } from '../../../lambdas/domain/canonical.ts';
import { textAt, valueAt } from '../../../lambdas/domain/events/event.ts';
import { ApiKeyRefusedError, type MailgunRequest, messageOf, openMailgun } from '../../access.ts';
import { TargetUnavailableError } from '../../errors.ts';
import type { HistoryRecipient } from '../../event-history.ts';
import { counted } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';
import { plain } from './explain.ts';

/**
 * How Mailgun classifies what failed on one UTC day from a sending domain to a recipient's domain: it has no class of a
 * single mail.
 */
export interface MailgunClasses {
  readonly sendingDomain: string;
  readonly recipientDomain: string;
  readonly day: string;
  readonly classes: readonly MailgunClass[];
  /** Why Mailgun does not tell them; null where it does. */
  readonly unknown: string | null;
}

interface MailgunClass {
  /** The party that refused it, such as a mailbox provider or a blocklist. */
  readonly entity: string | null;
  readonly category: string | null;
  readonly severity: string | null;
  readonly explanation: string | null;
  readonly failures: number;
}

const PATH = '/v2/bounce-classification/metrics';
/** More than Mailgun lists of one recipient's domain in a day; it gives no more in a page. */
const MAX_CLASSES = 50;
const COUNT = 'classified_failures_count';

/** Asks Mailgun for its classes around the last failure of a recipient; undefined where nothing failed. Each is asked for once. */
export function openMailgunClasses(deployment: Deployment) {
  const held = new Map<string, Promise<MailgunClasses>>();
  return async ({ recipient, events }: HistoryRecipient): Promise<MailgunClasses | undefined> => {
    const failure = events.findLast(
      ({ event, domain }) => event?.event === 'failed' && deployment.domains.includes(domain),
    );
    if (failure === undefined || !recipient.includes('@')) return undefined;
    const recipientDomain = recipient.slice(recipient.lastIndexOf('@') + 1).toLowerCase();
    const day = iso(failure.atMs).slice(0, 10);
    const key = `${failure.domain} ${recipientDomain} ${day}`;
    const place = { sendingDomain: failure.domain, recipientDomain, day };
    const found = held.get(key) ?? readClasses(deployment, place);
    held.set(key, found);
    return found;
  };
}

type Place = Pick<MailgunClasses, 'sendingDomain' | 'recipientDomain' | 'day'>;

/** Never fails for Mailgun: that a mail failed is known without it. */
async function readClasses(deployment: Deployment, place: Place): Promise<MailgunClasses> {
  try {
    return { ...place, classes: await ask(await openMailgun(deployment), place), unknown: null };
  } catch (error) {
    if (!(error instanceof TargetUnavailableError)) throw error;
    const isRefused = error instanceof ApiKeyRefusedError;
    return { ...place, classes: [], unknown: isRefused ? 'Mailgun gives none to this key or plan' : error.message };
  }
}

async function ask(request: MailgunRequest, { sendingDomain, recipientDomain, day }: Place): Promise<MailgunClass[]> {
  const startMs = Date.parse(day);
  const answer = await request(sendingDomain, 'POST', PATH, {
    start: rfc2822(startMs),
    end: rfc2822(startMs + DAY_MS - 1000),
    resolution: 'day',
    dimensions: ['entity-name', 'group-id', 'category', 'severity'],
    metrics: [COUNT],
    filter: { AND: [isEqual('domain.name', sendingDomain), isEqual('recipient-domain', recipientDomain)] },
    include_subaccounts: false,
    pagination: { sort: 'entity-name:asc', skip: 0, limit: MAX_CLASSES },
  });
  const { items, pagination } = isObject(answer.body) ? answer.body : {};
  if (answer.status !== 200) throw new TargetUnavailableError(`Mailgun gives none: ${messageOf(answer)}`);
  const total = isObject(pagination) ? pagination.total : undefined;
  if (!Array.isArray(items) || !items.every(isObject) || (typeof total === 'number' && total > items.length)) {
    throw new TargetUnavailableError('Mailgun does not list them as a whole');
  }
  return items.map(classOf).sort((a, b) => b.failures - a.failures);
}

function classOf(item: JsonObject): MailgunClass {
  const { dimensions } = item;
  // Its official clients know them in two forms.
  const dimension = (name: string) =>
    textAt(item, name) ??
    (Array.isArray(dimensions) ? dimensions : [])
      .filter(isObject)
      .flatMap((each) => (each.dimension === name ? (textAt(each, 'value') ?? []) : []))[0] ??
    null;
  const failures = valueAt(item, 'metrics', COUNT);
  return {
    entity: dimension('entity-name'),
    category: dimension('category'),
    severity: dimension('severity'),
    explanation: dimension('explanation'),
    failures: typeof failures === 'number' ? failures : 0,
  };
}

const isEqual = (attribute: string, value: string) => ({
  ...{ attribute, comparator: '=' },
  values: [{ label: value, value }],
});

const rfc2822 = (ms: number) => new Date(ms).toUTCString().replace('GMT', '+0000');

/** The classes as lines of text. */
export function classesText({ sendingDomain, recipientDomain, day, classes, unknown }: MailgunClasses): string[] {
  const what = `  Mailgun's classes of all that failed from ${sendingDomain} to ${plain(recipientDomain)} on ${day}`;
  if (unknown !== null) return [`${what}: not known, ${plain(unknown)}`];
  if (classes.length === 0) return [`${what}: none`];
  return [
    `${what}:`,
    ...classes.map(({ entity, category, severity, explanation, failures }) => {
      const names = [entity, category, severity].filter((name) => name !== null).join(', ');
      return `    ${counted(failures, 'failure')}: ${plain([names, explanation].filter(Boolean).join(': '))}`;
    }),
  ];
}
