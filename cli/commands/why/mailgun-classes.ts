import { CLASSES_PATH, classesRequest } from '../../../lambdas/adapters/mailgun/bounce-classes.ts';
import { type ListedClass, readClassesPage } from '../../../lambdas/adapters/mailgun/replies.ts';
import { DAY_SECONDS } from '../../../lambdas/contract.ts';
import { ApiKeyRefusedError, type MailgunRequest, messageOf, openMailgun } from '../../access.ts';
import { TargetUnavailableError } from '../../errors.ts';
import type { HistoryRecipient } from '../../event-history.ts';
import { counted } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';
import { plain } from './explain.ts';

/**
 * Mailgun's classes of the failures on one UTC day from a sending domain to a recipient's domain; it has none for a
 * single mail.
 */
export interface MailgunClasses {
  readonly sendingDomain: string;
  readonly recipientDomain: string;
  readonly day: string;
  readonly classes: readonly ListedClass[];
  /** Why Mailgun's classes are unknown; null if they are known. */
  readonly unknown: string | null;
}

/**
 * Returns a function that reads Mailgun's classes around a recipient's last failure; undefined if nothing failed. Each
 * request is made once.
 */
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

/** Reads the classes; a Mailgun failure is not an error, since the mail's failure is known without them. */
async function readClasses(deployment: Deployment, place: Place): Promise<MailgunClasses> {
  try {
    return { ...place, classes: await ask(await openMailgun(deployment), place), unknown: null };
  } catch (error) {
    if (!(error instanceof TargetUnavailableError)) throw error;
    const isRefused = error instanceof ApiKeyRefusedError;
    return { ...place, classes: [], unknown: isRefused ? 'Mailgun gives none to this key or plan' : error.message };
  }
}

async function ask(request: MailgunRequest, { sendingDomain, recipientDomain, day }: Place): Promise<ListedClass[]> {
  const from = Date.parse(day) / 1000;
  const query = {
    ...{ from, to: from + DAY_SECONDS, dimensions: ['entity-name', 'group-id', 'category', 'severity'] },
    of: { 'domain.name': sendingDomain, 'recipient-domain': recipientDomain },
  };
  const answer = await request(sendingDomain, 'POST', CLASSES_PATH, classesRequest(query));
  if (answer.status !== 200) throw new TargetUnavailableError(`Mailgun gives none: ${messageOf(answer)}`);
  const page = readClassesPage(answer.body);
  // For one recipient domain and day, it lists less than a page.
  if (page === undefined || (page.total ?? 0) > page.classes.length) {
    throw new TargetUnavailableError('Mailgun does not list them as a whole');
  }
  return page.classes.sort((a, b) => b.failures - a.failures);
}

/** Returns the classes as lines of text. */
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
