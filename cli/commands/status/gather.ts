import { GetQueueAttributesCommand, type QueueAttributeName } from '@aws-sdk/client-sqs';
import { createQueueDepth } from '../../../lambdas/adapters/aws/event-queue.ts';
import { stateOf } from '../../../lambdas/domain/slice.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { readLastEvent } from '../../last-event.ts';
import { type Completeness, ledgerTimes, readDomainLedger } from '../../ledger.ts';
import { awsSentence } from '../../target/aws-errors.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';

/** The line of `status --json`; null stands for what is not known. */
export interface StatusLine {
  readonly event: 'status';
  readonly health: 'healthy' | 'unhealthy' | 'unknown';
  /** Why it is not healthy. */
  readonly reasons: readonly string[];
  /** Events on their way to the table. */
  readonly backlog: number | null;
  readonly deadLetters: number | null;
  readonly alarms: {
    readonly total: number;
    readonly alarmed: readonly { readonly name: string; readonly since: string | null }[];
  } | null;
  readonly domains: readonly DomainStatus[];
  /** What could not be read, and why. */
  readonly unknown: readonly string[];
}

export interface DomainStatus {
  readonly domain: string;
  readonly lastEvent: { readonly type: string; readonly at: string } | null;
  readonly completeness: Completeness;
  readonly ledger: {
    readonly since: string;
    readonly judgedUntil: string | null;
    readonly expected: number;
    readonly missing: number;
    readonly lost: number;
    readonly unconfirmed: number;
    readonly openSlices: number;
    readonly stuck: number;
    readonly lastSlice: { readonly start: string; readonly end: string; readonly state: string } | null;
  } | null;
}

/** Reads it all side by side; what cannot be read is null, and named. */
export async function gatherStatus(deployment: Deployment, nowMs: number): Promise<StatusLine> {
  const unknown: string[] = [];
  const attempt = async <Answer>(what: string, read: () => Promise<Answer>): Promise<Answer | null> => {
    try {
      return await read();
    } catch (error) {
      const why = error instanceof TargetUnavailableError ? error.message : awsSentence(error);
      if (why === undefined) throw error;
      unknown.push(`${what}: ${why}`);
      return null;
    }
  };
  const [backlog, deadLetters, alarms, domains] = await Promise.all([
    attempt('backlog', () => createQueueDepth(deployment.clients.queues, deployment.output('QueueUrl')).messages()),
    attempt('dead letters', () => readDeadLetters(deployment)),
    attempt('alarms', () => readAlarms(deployment)),
    Promise.all(deployment.domains.map((domain) => readDomain(deployment, domain, nowMs, attempt))),
  ]);
  const facts = { backlog, deadLetters, alarms, domains, unknown };
  return { event: 'status', ...judge(facts), ...facts };
}

/** How the unknown last event of a domain is named. */
export const lastEventOf = (domain: string) => `last event of ${domain}`;

type Attempt = <Answer>(what: string, read: () => Promise<Answer>) => Promise<Answer | null>;

async function readDomain(
  deployment: Deployment,
  domain: string,
  nowMs: number,
  attempt: Attempt,
): Promise<DomainStatus> {
  const [last, ledger] = await Promise.all([
    attempt(lastEventOf(domain), () => readLastEvent(deployment, domain, nowMs)),
    attempt(`ledger of ${domain}`, () => readDomainLedger(deployment, domain, ledgerTimes(deployment), nowMs)),
  ]);
  const lastEvent = last ? { type: last.type, at: iso(last.atMs) } : null;
  if (ledger === null) return { domain, lastEvent, completeness: 'unknown', ledger: null };
  const { expected, missing, lost, unconfirmed, openSlices, stuck, lastSlice, judgedUntil } = ledger;
  return {
    domain,
    lastEvent,
    completeness: ledger.completeness,
    ledger: {
      since: iso(ledger.since * 1000),
      judgedUntil: judgedUntil === undefined ? null : iso(judgedUntil * 1000),
      ...{ expected, missing, lost, unconfirmed, openSlices, stuck },
      lastSlice: lastSlice
        ? { start: iso(lastSlice.start * 1000), end: iso(lastSlice.end * 1000), state: stateOf(lastSlice) }
        : null,
    },
  };
}

const DEPTHS: QueueAttributeName[] = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];

async function readDeadLetters({ clients, output }: Deployment): Promise<number> {
  const command = new GetQueueAttributesCommand({ QueueUrl: output('DeadLettersUrl'), AttributeNames: DEPTHS });
  const { Attributes } = await clients.queues.send(command);
  return DEPTHS.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
}

async function readAlarms(deployment: Deployment): Promise<NonNullable<StatusLine['alarms']>> {
  const alarms = await deployment.alarms();
  const alarmed = alarms
    .filter(({ state }) => state === 'ALARM')
    .map(({ name, sinceMs }) => ({ name, since: sinceMs === undefined ? null : iso(sinceMs) }));
  return { total: alarms.length, alarmed };
}

/** What is wrong comes before what is not known. */
export function judge({
  deadLetters,
  alarms,
  domains,
  unknown,
}: Pick<StatusLine, 'deadLetters' | 'alarms' | 'domains' | 'unknown'>): Pick<StatusLine, 'health' | 'reasons'> {
  const wrong = [
    ...(deadLetters ? [`${deadLetters} in the dead letters: dlq list shows why`] : []),
    ...(alarms?.alarmed ?? []).map(({ name }) => `the alarm ${name} is on: docs/runbook.md`),
    ...domains.flatMap(({ domain, ledger }) => (ledger ? wrongWith(domain, ledger) : [])),
  ];
  const unsure = [
    ...unknown.map((what) => `not known: ${what}`),
    ...domains
      .filter(({ completeness, ledger }) => completeness === 'unknown' && ledger !== null)
      .map(({ domain, ledger }) =>
        ledger?.judgedUntil === null
          ? `${domain} has no ledger yet: no webhook came, or no Mailgun API key is set (keys status)`
          : `the ledger of ${domain} is behind: logs reconcile tells why`,
      ),
  ];
  const health = wrong.length > 0 ? 'unhealthy' : unsure.length > 0 ? 'unknown' : 'healthy';
  return { health, reasons: [...wrong, ...unsure] };
}

function wrongWith(domain: string, ledger: NonNullable<DomainStatus['ledger']>): string[] {
  const { missing, stuck, unconfirmed, openSlices } = ledger;
  return [
    ...(missing > 0 || openSlices > 0 ? [`${domain} lacks ${missing} events that Mailgun lists`] : []),
    ...(stuck > 0 ? [`${stuck} events of ${domain} are stuck`] : []),
    ...(unconfirmed > 0 ? [`${unconfirmed} events of ${domain} were never listed by Mailgun: they may be forged`] : []),
  ];
}
