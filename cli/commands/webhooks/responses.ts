import { counted, groupBy, printedCommand, timeAgo } from '../../output.ts';
import { readLogs } from '../../read-logs.ts';
import type { Deployment, LogEntry } from '../../target/types.ts';

const LOOKBACK_HOURS = 2;
const HOUR_MS = 3_600_000;
const REFUSALS = `logs ingest --since ${LOOKBACK_HOURS}h --message "webhook refused"`;

/** Meaning of each status other than 200, and the next command; the first match counts. */
const NEXT: readonly (readonly [status: RegExp, why: string, command: string])[] = [
  [/^401$/, 'no signing key verifies them', 'keys status'],
  [/^406$/, 'refused permanently', REFUSALS],
  [/^429$/, 'more than throttle.webhook admits', `logs webhook-access --since ${LOOKBACK_HOURS}h --status 429`],
  [/^5/, 'runbook, webhook-errors', REFUSALS],
];
const ANY = [
  /^/,
  'no webhook, or of another URL',
  `logs webhook-access --since ${LOOKBACK_HOURS}h --status 4xx`,
] as const;

/** Returns what the webhook URL has returned lately, and the command that follows from each status. */
export async function responsesText(deployment: Deployment, nowMs: number): Promise<string[]> {
  const sinceMs = nowMs - LOOKBACK_HOURS * HOUR_MS;
  const entries = await readLogs(deployment, 'webhook-access', sinceMs);
  const run = (command: string) => printedCommand(deployment, command);
  if (typeof entries === 'string') return [`What the webhook URL returned is not known: ${entries}.`];
  if (entries.length === 0) {
    return [
      `No request has reached the webhook URL for ${LOOKBACK_HOURS} hours. If Mailgun sent mail, find out why: ${run('send-test')}`,
    ];
  }
  const byStatus = [...groupBy(entries, ({ facts }) => String(facts.status))].toSorted(
    ([, a], [, b]) => lastMs(b) - lastMs(a),
  );
  const meaningOf = (status: string) => {
    const [, why, command] = NEXT.find(([pattern]) => pattern.test(status)) ?? ANY;
    return status === '200' ? 'acknowledged' : `${why}; next: ${run(command)}`;
  };
  return [
    `The webhook URL returned in the last ${LOOKBACK_HOURS} hours:`,
    ...byStatus.map(
      ([status, those]) =>
        `  ${status}  ${counted(those.length, 'time')}, the last ${timeAgo(lastMs(those), nowMs)}: ${meaningOf(status)}`,
    ),
    ...(byStatus.every(([status]) => status === '200')
      ? [
          `All are acknowledged: what is missing waits to be stored (${run('status')}), is of a type that was not registered at the time, or was forged in place of Mailgun's (${run('unconfirmed')}).`,
        ]
      : []),
  ];
}

const lastMs = (entries: readonly LogEntry[]) => entries.reduce((last, { atMs }) => Math.max(last, atMs), 0);
