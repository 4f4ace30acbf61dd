import { type CliContext, type CommandBuilder, ledgerCommand, openTarget, type TargetOptions } from '../command.ts';
import { LOOKBACK_DAYS } from '../last-event.ts';
import { createEmit, timeAgo } from '../output.ts';
import { type DomainStatus, gatherStatus, lastEventOf, type StatusLine } from './status/gather.ts';

const EXAMPLES = `
Healthy means: no dead letters, no alarm on, nothing missing of what Mailgun lists, and all of that known.
Missing are events that Mailgun lists and the table lacks; lost are those whose webhook never came, and which
reconciliation brought; unconfirmed are those that Mailgun had not listed after the second look.

Examples:
  npm run ledger -- status --env prod
  npm run ledger -- status --local --json

Exit code: 0 healthy; 1 not healthy, or not known to be; 2 wrong usage.`;

export const statusCommand: CommandBuilder = (context, run) =>
  ledgerCommand('status', 'says on one screen whether all is well')
    .addHelpText('after', EXAMPLES)
    .action(run<TargetOptions>((options) => status(context, options)));

async function status(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const nowMs = context.now();
  const line = await gatherStatus(deployment, nowMs);
  createEmit<StatusLine>(context, options.json)(line, ...statusText(line, deployment.name, nowMs));
  return line.health === 'healthy' ? 0 : 1;
}

const HEADLINES = { healthy: 'HEALTHY', unhealthy: 'NOT HEALTHY', unknown: 'NOT KNOWN TO BE HEALTHY' };

/** The status on one screen. */
export function statusText(status: StatusLine, name: string, nowMs: number): string[] {
  const { health, reasons, backlog, deadLetters, alarms, domains, unknown } = status;
  return [
    `${HEADLINES[health]}  ${name}`,
    ...reasons.map((reason) => `  ! ${reason}`),
    '',
    field('backlog', known(backlog, 'events on their way to the table')),
    field('dead letters', known(deadLetters, '')),
    field('alarms', alarmText(alarms)),
    ...domains.flatMap((each) => ['', ...domainText(each, unknown, nowMs)]),
  ];
}

const field = (name: string, text: string) => `  ${name.padEnd(14)}${text}`;

const known = (value: number | null, what: string) => (value === null ? 'unknown' : `${value} ${what}`.trim());

function alarmText(alarms: StatusLine['alarms']): string {
  if (alarms === null) return 'unknown';
  const { total, alarmed } = alarms;
  return alarmed.length === 0
    ? `none of ${total} is on`
    : `${alarmed.map((each) => each.name).join(', ')} (of ${total})`;
}

function domainText(
  { domain, completeness, lastEvent, ledger }: DomainStatus,
  unknown: StatusLine['unknown'],
  nowMs: number,
): string[] {
  const isUnknown = unknown.some((what) => what.startsWith(lastEventOf(domain)));
  const event = lastEvent
    ? `${lastEvent.type}, ${timeAgo(Date.parse(lastEvent.at), nowMs)}`
    : isUnknown
      ? 'unknown'
      : `none in the last ${LOOKBACK_DAYS} days`;
  const lines = [`  ${domain}`, field('  last event', event)];
  if (ledger === null) return [...lines, field('  complete', 'unknown')];
  const { judgedUntil, expected, missing, lost, unconfirmed, lastSlice } = ledger;
  const until = judgedUntil === null ? '' : `, judged until ${timeAgo(Date.parse(judgedUntil), nowMs)}`;
  return [
    ...lines,
    field('  complete', `${COMPLETE[completeness]}${until}`),
    field(
      '  events',
      `${expected} since ${ledger.since.slice(0, 16)}Z: ${missing} missing, ${lost} lost by webhook, ${unconfirmed} unconfirmed`,
    ),
    field('  last slice', lastSlice ? `${lastSlice.start} to ${lastSlice.end}, ${lastSlice.state}` : 'none yet'),
  ];
}

const COMPLETE = { complete: 'yes', incomplete: 'no', unknown: 'unknown' };
