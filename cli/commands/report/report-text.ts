import type { MailCounts, PeopleCounts } from '../../../lambdas/domain/campaign/counts.ts';
import { durations } from '../../../lambdas/domain/campaign/durations.ts';
import type { Completeness } from '../../../lambdas/domain/ledger/completeness.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../../lambdas/domain/status/failure-class.ts';
import { number } from '../../output.ts';

interface Report {
  readonly tag: string;
  readonly domain: string;
  readonly from: string;
  readonly to: string;
  readonly completeness: Completeness;
  readonly completeFrom: string | null;
  readonly cut: boolean;
  readonly mails: MailCounts;
  readonly people: PeopleCounts;
}

const STATES: Readonly<Record<Completeness, string>> = {
  complete: 'complete: the ledger accounts for every event since the first mail',
  incomplete: 'incomplete: events are missing, short or altered; numbers may still rise',
  unknown: 'not settled yet: part of the time has not been compared; numbers may still rise',
};

/** Returns the report as lines for people. */
export function reportText({
  tag,
  domain,
  from,
  to,
  completeness,
  completeFrom,
  cut,
  mails,
  people,
}: Report): string[] {
  const held = completeFrom === null ? [] : [`Neither table nor archive holds all from before ${completeFrom}.`];
  if (mails.mails + mails.testMode === 0)
    return [`No mail was sent under ${tag} of ${domain} from ${from} to ${to}.`, ...held];
  const row = (name: string, count: number, base?: number) =>
    `  ${name.padEnd(28)}${number(count).padStart(12)}${base === undefined ? '' : `  ${share(count, base)}`}`;
  const classes = Object.entries(mails.failedByClass).toSorted(([, a], [, b]) => b - a);
  return [
    `${tag} of ${domain}, sent from ${from} to ${to}: ${STATES[completeness]}`,
    ...held.map((line) => `  ${line}`),
    row('mails', mails.mails),
    row('accepted', mails.accepted, mails.mails),
    row('delivered', mails.delivered, mails.mails),
    row('put off at least once', mails.deferred, mails.mails),
    row('failed permanently', mails.failed, mails.mails),
    ...classes.map(
      ([name, count]) => `    ${number(count).padStart(8)}  ${name}: ${FAILURE_CLASSES[name as FailureClass]}`,
    ),
    ...(mails.withoutOutcome > 0 ? [row('not decided yet', mails.withoutOutcome, mails.mails)] : []),
    row('people', people.people),
    row('opened', people.openers, people.people),
    row('clicked', people.clickers, people.people),
    row('opened by machines alone', people.machineOpeners, people.people),
    row('clicked by machines alone', people.machineClickers, people.people),
    row('reported as spam', people.complainers, people.people),
    row('unsubscribed', people.unsubscribers, people.people),
    `  time to delivery            ${durations(mails.secondsToDelivery)}`,
    `  time to the first open      ${durations(mails.secondsToFirstOpen)}`,
    ...(cut
      ? ['  slices of that time with very many tags do not count rare ones: in these, every event was looked at']
      : []),
    ...(mails.testMode > 0 ? [`  ${number(mails.testMode)} in test mode, counted as nothing else`] : []),
    ...(mails.unconfirmedEvents > 0
      ? [`  ${number(mails.unconfirmedEvents)} events counted here are not on Mailgun's list and may be forged`]
      : []),
  ];
}

const share = (part: number, whole: number) => (whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`);
