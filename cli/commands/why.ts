import { CLASSES_PATH, classesRequest } from '../../lambdas/adapters/mailgun/mailgun-apis.ts';
import { DAY_SECONDS, UNKNOWN_DOMAIN } from '../../lambdas/contract.ts';
import { eventName } from '../../lambdas/domain/events/event.ts';
import { eventDetails, fieldsAsSent } from '../../lambdas/domain/events/event-details.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { nameInEventKey, recipientKey } from '../../lambdas/domain/keys.ts';
import { type ListedClass, readClassesPage } from '../../lambdas/formats/mailgun-replies.ts';
import { ApiKeyRefusedError, type MailgunRequest, messageOf, openMailgun } from '../access.ts';
import { type CliContext, type CommandBuilder, ledgerCommand, openTarget, type TargetOptions } from '../command.ts';
import { InterruptedError, TargetUnavailableError } from '../errors.ts';
import { checkMessageId, type HistoryEvent, type HistoryRecipient, readHistory } from '../event-history.ts';
import { ledgerTimes } from '../ledger.ts';
import { counted, createEmit, plain, utc } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso } from '../time.ts';
import { withArchived } from './why/archived-history.ts';
import { describeEvent, explainStatus } from './why/explain-status.ts';
import { openReconciled, type Reconciled } from './why/reconciled.ts';

/** The lines of `why --json`: the message, then one line for each recipient. */
export type WhyLine =
  | {
      event: 'message';
      messageId: string;
      recipients: number;
      events: number;
      /** UTC days for which the archive was read, since events have left the table. */
      archivedDays: readonly string[];
      /** Why not all that has left the table could be read in the archive; null if it was read. */
      archiveUnread: string | null;
    }
  | {
      event: 'recipient';
      recipient: string;
      status: string | null;
      reason: string | null;
      statusAt: string | null;
      decidedBy: string | null;
      /** Why that event counts more than the others. */
      because: string;
      /** Events that Mailgun never listed. */
      mayBeForged: number;
      events: readonly WhyEvent[];
      /** With --classes, where anything failed. */
      classes?: MailgunClasses;
    };

type WhyRecipient = WhyLine & { event: 'recipient' };

interface WhyEvent {
  readonly key: string;
  readonly at: string;
  /** The event in words. */
  readonly says: string;
  /** The source that brought it first, and when; null where that is not kept. */
  readonly source: 'webhook' | 'reconcile' | null;
  readonly receivedAt: string | null;
  /** When a webhook brought it; null where none did. */
  readonly webhookAt: string | null;
  readonly decides: boolean;
  readonly erased: boolean;
  /** True if the table holds it, or it was read in the archive. */
  readonly archived: boolean;
  readonly reconciled: Reconciled;
  /** With --all, the rest of the event as Mailgun sent it. */
  readonly details?: EventFields;
}

type EventFields = Readonly<Record<string, unknown>>;

const EXAMPLES = `
For each recipient it shows the events in order, which one decides the status (>), how each arrived, and whether Mailgun
lists it. All times are in UTC. The message id may have angle brackets; put an id that begins with a dash after "--".
It reads what reconciliation recorded, and calls Mailgun for --classes only. An event that arrived after the last pass is
marked; a replay of its time compares it. No event is called forged unless the ledger covers its time.
Events that have left the table are read from the archive, for the days around the first event and that of the status.
--all shows all that Mailgun sent with each event, such as tags, user variables, flags and client.
--classes shows Mailgun's Bounce Classification, where key and plan have it: of a day's failures from that sending domain
to that recipient's domain, since Mailgun does not classify single mails.

Examples:
  npm run ledger -- why 20261122080000.1.ABCDEF@mg.example.com --env prod
  npm run ledger -- why "<20261122080000.1.ABCDEF@mg.example.com>" ada@example.org --env prod
  npm run ledger -- why 20261122080000.1.ABCDEF@mg.example.com --local --all --json

Needs on AWS: dynamodb:Query and dynamodb:GetItem on the table; for events that have left it also dynamodb:BatchGetItem,
secretsmanager:GetSecretValue on the erasure key, s3:ListBucket and s3:GetObject on the archive. --classes needs
secretsmanager:GetSecretValue on the API key.`;

export const whyCommand: CommandBuilder = (context, run) =>
  ledgerCommand('why', 'explain what became of a message')
    .argument('<message-id>', 'the Message-Id of the mail')
    .argument('[recipient]', 'only this recipient (all of the message)')
    .option('--all', 'show every field of each event')
    .option('--classes', "request Mailgun's classification of failures")
    .addHelpText('after', EXAMPLES)
    .action(run<WhyOptions>((options, messageId = '', recipient) => why(context, options, messageId, recipient)));

interface WhyOptions extends TargetOptions {
  readonly all?: boolean;
  readonly classes?: boolean;
}

async function why(
  context: CliContext,
  options: WhyOptions,
  givenId: string,
  recipient: string | undefined,
): Promise<number> {
  const messageId = checkMessageId(givenId);
  const deployment = await openTarget(context, options);
  const stored = await readHistory(deployment, messageId);
  const archived = await withArchived(context, deployment, messageId, stored);
  if (archived === undefined) throw new InterruptedError();
  const { history, days, unread } = archived;
  if (history.length === 0) {
    throw new TargetUnavailableError(
      `nothing is stored of the message ${plain(messageId)}; check the id, upper and lower case included` +
        ' (an event of the last minute may still be on its way: status shows the backlog)',
    );
  }
  const wanted = recipient === undefined ? history : history.filter(({ key }) => key === recipientKey(recipient));
  if (wanted.length === 0) {
    const others = history.map((each) => plain(each.recipient)).slice(0, MAX_NAMED_RECIPIENTS);
    throw new TargetUnavailableError(
      `the message has no event for ${plain(recipient ?? '')}, only for ${others.join(', ')}` +
        (history.length > MAX_NAMED_RECIPIENTS ? ` and ${history.length - MAX_NAMED_RECIPIENTS} more` : ''),
    );
  }

  const emit = createEmit<WhyLine>(context, options.json);
  const events = wanted.reduce((sum, each) => sum + each.events.length, 0);
  emit(
    { event: 'message', messageId, recipients: wanted.length, events, archivedDays: days, archiveUnread: unread },
    `Message ${plain(messageId)}: ${counted(wanted.length, 'recipient')}, ${counted(events, 'event')}`,
    ...(days.length > 0 ? [`Events have left the table; the archive was read for ${days.join(', ')}.`] : []),
    ...(unread === null
      ? []
      : [`NOT ALL IS SHOWN: events have left the table, and the archive could not be read: ${plain(unread)}`]),
  );
  const judge = openReconciled(deployment, ledgerTimes(deployment), context.now());
  const classesOf = options.classes ? openMailgunClasses(deployment) : undefined;
  for (const each of wanted) {
    const classes = await classesOf?.(each);
    const line = { ...(await recipientLine(each, judge, options.all)), ...(classes && { classes }) };
    emit(line, ...recipientText(line));
  }
  return unread === null ? 0 : 1;
}

const MAX_NAMED_RECIPIENTS = 10;

async function recipientLine(
  history: HistoryRecipient,
  judge: (event: HistoryEvent) => Promise<Reconciled>,
  all = false,
): Promise<WhyRecipient> {
  const { recipient, status, reason, statusAtMs, decidedBy } = history;
  const events: WhyEvent[] = [];
  for (const event of history.events) {
    const line = eventLine(event, decidedBy, event.domain === UNKNOWN_DOMAIN ? NO_LEDGER : await judge(event));
    events.push(all && event.event !== undefined ? { ...line, details: fieldsOf(event.event) } : line);
  }
  return {
    event: 'recipient',
    recipient,
    status,
    reason,
    statusAt: isoOrNull(statusAtMs),
    decidedBy: decidedBy ?? null,
    because: explainStatus(history),
    mayBeForged: events.filter(({ reconciled }) => reconciled.listed === 'never').length,
    events,
  };
}

const NO_LEDGER: Reconciled = { slice: 'unknown', listed: 'unknown', why: 'its sending domain is not known' };

function eventLine(event: HistoryEvent, decidedBy: string | undefined, reconciled: Reconciled): WhyEvent {
  const { eventKey, atMs, source, receivedAtMs, webhookAtMs } = event;
  return {
    key: eventKey,
    at: iso(atMs),
    says: event.event === undefined ? nameInEventKey(eventKey) : describeEvent(event.event),
    source: source ?? null,
    receivedAt: isoOrNull(receivedAtMs),
    webhookAt: isoOrNull(webhookAtMs),
    decides: eventKey === decidedBy,
    erased: event.event === undefined,
    archived: event.isArchived === true,
    reconciled,
  };
}

function fieldsOf(event: JsonObject): EventFields {
  const { tags, userVariables } = fieldsAsSent(event);
  return { tags: tags ?? [], userVariables: userVariables ?? {}, ...eventDetails(event) };
}

const isoOrNull = (ms: number | undefined) => (ms === undefined ? null : iso(ms));

/** Returns one recipient's history as text. */
function recipientText(line: WhyRecipient): string[] {
  const { recipient, status, reason, statusAt, because, events, mayBeForged, classes } = line;
  const since = statusAt === null || status === null ? '' : ` since ${time(statusAt)}`;
  return [
    '',
    `${plain(recipient)}: ${status ?? 'no status'}${reason === null ? '' : ` (${plain(reason)})`}${since}`,
    ...events.flatMap(eventText),
    `  Why: ${because}`,
    ...(classes === undefined ? [] : classesText(classes)),
    ...(mayBeForged > 0 ? [`  ! ${forgedText(line)}`] : []),
  ];
}

function forgedText({ mayBeForged, events }: WhyRecipient): string {
  const what = `${mayBeForged === 1 ? 'One event' : `${mayBeForged} events`} may be forged`;
  const decides = events.some((event) => event.decides && event.reconciled.listed === 'never');
  return decides ? `${what}: do not trust this record.` : `${what}, and does not decide the status.`;
}

function eventText(event: WhyEvent): string[] {
  const { at, says, decides, erased, archived, source, receivedAt, webhookAt, reconciled, details = {} } = event;
  const came = erased ? 'its recipient was erased' : cameIn(source, receivedAt, webhookAt);
  const place = archived ? '; read in the archive' : '';
  const { other, ...known } = details;
  return [
    `${decides ? '  > ' : '    '}${time(at)}  ${plain(says)}`,
    `      ${came}; ${listedText(reconciled)}${place}`,
    ...Object.entries({ ...known, ...(other as EventFields | undefined) }).flatMap(fieldText),
  ];
}

/** Returns a line for a field with a value. */
function fieldText([name, value]: [string, unknown]): string[] {
  const isBlank = value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);
  return isBlank ? [] : [`      ${plain(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)}`];
}

function cameIn(source: WhyEvent['source'], receivedAt: string | null, webhookAt: string | null): string {
  if (receivedAt === null) return 'how it came in is not kept';
  if (source === 'webhook') return `came by webhook at ${time(receivedAt)}`;
  const recovered = `found at Mailgun by reconciliation at ${time(receivedAt)}`;
  return webhookAt === null ? `${recovered}, no webhook came` : `${recovered}, and by webhook at ${time(webhookAt)}`;
}

function listedText({ slice, listed, why }: WhyEvent['reconciled']): string {
  if (listed === 'yes')
    return slice === 'open' ? 'Mailgun lists it (others of that time are missing)' : 'Mailgun lists it';
  if (listed === 'never') return 'Mailgun never listed this event: it may be forged';
  return `whether Mailgun lists it is not known: ${why}`;
}

const time = (iso: string) => utc(Date.parse(iso));

/**
 * Mailgun's classes of the failures on one UTC day from a sending domain to a recipient's domain; it has none for a
 * single mail.
 */
interface MailgunClasses {
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
      ({ event, domain }) =>
        event !== undefined && eventName(event) === 'failed' && deployment.domains.includes(domain),
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
    return { ...place, classes: await fetchClasses(await openMailgun(deployment), place), unknown: null };
  } catch (error) {
    if (!(error instanceof TargetUnavailableError)) throw error;
    const isRefused = error instanceof ApiKeyRefusedError;
    return { ...place, classes: [], unknown: isRefused ? 'Mailgun gives none to this key or plan' : error.message };
  }
}

async function fetchClasses(
  request: MailgunRequest,
  { sendingDomain, recipientDomain, day }: Place,
): Promise<ListedClass[]> {
  const from = Date.parse(day) / 1000;
  const query = {
    from,
    to: from + DAY_SECONDS,
    dimensions: ['entity-name', 'group-id', 'category', 'severity'],
    of: { 'domain.name': sendingDomain, 'recipient-domain': recipientDomain },
  };
  const response = await request(sendingDomain, 'POST', CLASSES_PATH, classesRequest(query));
  if (response.status !== 200) throw new TargetUnavailableError(`Mailgun gives none: ${messageOf(response)}`);
  const page = readClassesPage(response.body);
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
