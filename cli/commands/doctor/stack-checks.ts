import { type Drift, type DriftKind, webhookDrift } from '../../../lambdas/domain/webhook-drift.ts';
import { placeText } from '../../command.ts';
import { LOOKED_BACK_DAYS, readLastEvent } from '../../last-event.ts';
import { ledgerTimes, readDomainLedger } from '../../ledger.ts';
import { messageOf, openMailgun } from '../../mailgun-client.ts';
import { counted, timeAgo } from '../../output.ts';
import { readApiKey, readSecret, readSigningKeys } from '../../secrets.ts';
import type { AwsAccount } from '../../target/aws-account.ts';
import type { Target } from '../../target/types.ts';
import { openRegistry } from '../webhooks/registry.ts';
import { wishOf } from '../webhooks.ts';
import { type Check, type Finding, ok, skipped, warning, wrong } from './check.ts';

export interface StackPlace {
  readonly target: Target;
  /** Undefined for the local stack, whose topics tell nobody. */
  readonly account: AwsAccount | undefined;
  readonly now: () => number;
}

/** What to look at in a deployed stack. Further checks of it belong here. */
export function stackChecks({ target, account, now }: StackPlace): Check[] {
  const run = (command: string) => `npm run ledger -- ${command} ${placeText(target.place)}`;
  return [
    { name: 'signing key', look: () => signingKey(target, run) },
    { name: 'API key', look: () => apiKey(target, run) },
    { name: 'API token', look: () => apiToken(target, run) },
    ...target.domains.map((domain) => ({ name: `Mailgun for ${domain}`, look: () => mailgun(target, domain, run) })),
    ...target.domains.map((domain) => ({ name: `webhooks of ${domain}`, look: () => webhooks(target, domain, run) })),
    { name: 'page topic', look: () => topic(target, account, 'PageTopicArn', 'page') },
    { name: 'ticket topic', look: () => topic(target, account, 'TicketTopicArn', 'ticket') },
    ...target.domains.flatMap((domain) => [
      { name: `last event of ${domain}`, look: () => lastEvent(target, domain, now(), run) },
      { name: `last slice of ${domain}`, look: () => lastSlice(target, domain, now(), run) },
    ]),
  ];
}

type CommandText = (command: string) => string;

async function signingKey(target: Target, run: CommandText): Promise<Finding> {
  const { keys } = await readSigningKeys(target);
  if (keys.current !== undefined) return ok(Object.keys(keys).join(', '));
  return wrong('not set: every webhook is answered 503', `${run('keys set')} < signing-key.txt`);
}

async function apiKey(target: Target, run: CommandText): Promise<Finding> {
  const { apiKey: key } = await readApiKey(target);
  if (key !== undefined) return ok('set');
  return warning('not set: reconciliation is off', `${run('keys set --api-key')} < api-key.txt`);
}

async function apiToken(target: Target, run: CommandText): Promise<Finding> {
  const token = await readSecret(target, 'ApiTokenSecretArn');
  return token === '' ? wrong('empty: the read API refuses everybody', run('token rotate')) : ok('set');
}

async function mailgun(target: Target, domain: string, run: CommandText): Promise<Finding> {
  const { apiKey: key } = await readApiKey(target);
  if (key === undefined) return skipped('there is no API key to ask with');
  const ask = await openMailgun(target);
  const answer = await ask(domain, 'GET', `/v3/${encodeURIComponent(domain)}/events?limit=1`);
  if (answer.status === 200) return ok(`${new URL(target.mailgunUrl(domain)).host} takes the API key, seen from here`);
  if (answer.status === 404) {
    return wrong(
      `Mailgun knows no such domain in this region (${messageOf(answer)})`,
      'put the right "region" (us or eu) of the domain into cdk.json, and deploy',
    );
  }
  return wrong(`Mailgun answered ${messageOf(answer)}`, run('logs reconcile --since 1h'));
}

/** What is done about each kind of drift. */
const DRIFT_FIXES: Readonly<Record<DriftKind, (run: CommandText) => string>> = {
  missing: (run) => run('webhooks sync'),
  'no-room': (run) => `${run('webhooks sync')} --remove <a URL of ${run('webhooks check')}>`,
  double: () => 'delete one of both at Mailgun',
  unwanted: () => 'delete it at Mailgun, or add the type to eventTypes in cdk.json',
  foreign: (run) => `if it does not belong there: ${run('webhooks sync')} --remove <url>`,
};

async function webhooks(target: Target, domain: string, run: CommandText): Promise<Finding> {
  const { url, types } = wishOf(target, { domain });
  const drift = webhookDrift(await openRegistry(await openMailgun(target)).read(domain), url, types);
  if (drift.length === 0) return ok(`${counted(types.length, 'type')} come to this stack`);
  const fixes = new Set(drift.map(({ kind }) => DRIFT_FIXES[kind](run)));
  // Another receiver takes nothing away.
  const judged = drift.every(({ kind }) => kind === 'foreign') ? warning : wrong;
  return judged(drift.map(driftText).join(', '), [...fixes].join('; '));
}

const driftText = ({ kind, type, url }: Drift) => `${type} ${kind}${url === undefined ? '' : ` (${url})`}`;

async function topic(
  target: Target,
  account: AwsAccount | undefined,
  outputKey: string,
  kind: string,
): Promise<Finding> {
  if (account === undefined) return skipped('not on this machine');
  const subscriptions = await account.subscriptions(target.output(outputKey));
  if (subscriptions.length === 0) {
    return warning('nobody is subscribed', `put somebody into alarms.${kind} of cdk.json, and deploy`);
  }
  const waiting = subscriptions.filter(({ confirmed }) => !confirmed).map(({ endpoint }) => endpoint);
  if (waiting.length === 0) return ok(subscriptions.map(({ endpoint }) => endpoint).join(', '));
  return wrong(
    `not confirmed, so not told: ${waiting.join(', ')}`,
    'follow the link in the mail "AWS Notification - Subscription Confirmation"; after 3 days deploy once more',
  );
}

async function lastEvent(target: Target, domain: string, nowMs: number, run: CommandText): Promise<Finding> {
  const last = await readLastEvent(target, domain, nowMs);
  if (last !== undefined) return ok(`${last.type}, ${timeAgo(last.atMs, nowMs)}`);
  return warning(
    `none in the last ${LOOKED_BACK_DAYS} days`,
    `${run('logs ingest --since 1d')}, and: ${run('webhooks check')}`,
  );
}

async function lastSlice(target: Target, domain: string, nowMs: number, run: CommandText): Promise<Finding> {
  const { judgedUntil, completeness } = await readDomainLedger(target, domain, ledgerTimes(target), nowMs);
  if (judgedUntil === undefined) {
    return warning('no ledger yet: it begins with the first webhook, and needs an API key', run('keys status'));
  }
  const says = `judged until ${timeAgo(judgedUntil * 1000, nowMs)}`;
  if (completeness === 'complete') return ok(`${says}, nothing is missing`);
  if (completeness === 'incomplete') return wrong(`${says}, and events are missing`, run('status'));
  return wrong(`${says}, which is longer ago than two runs`, run('logs reconcile --since 1h'));
}
