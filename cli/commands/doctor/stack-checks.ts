import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { createQueueDepth } from '../../../lambdas/adapters/aws/messaging.ts';
import { createBounceClassRepository } from '../../../lambdas/adapters/table/domain-repository.ts';
import { createListingNoteRepository } from '../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { HOUR_MS, MESSAGES, ROUTES } from '../../../lambdas/contract.ts';
import { NOT_GIVEN } from '../../../lambdas/domain/ledger/bounce-classes.ts';
import { announcementText } from '../../../lambdas/domain/ledger/listing-note.ts';
import { keyFingerprint, type SigningKeys } from '../../../lambdas/domain/webhooks/signature.ts';
import { readApiToken, whyTokenIsRefused } from '../../access.ts';
import { fingerprintOf, readCertificateKey } from '../../certificates/certificate-signature.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { LOOKBACK_DAYS, ledgerTimes, readDomainLedger, readLastEvent, tableOf } from '../../ledger.ts';
import { counted, printedCommand, timeAgo } from '../../output.ts';
import type { AwsAccount } from '../../target/aws.ts';
import { type Deployment, hasOutput, type LogEntry, readLogs } from '../../target/types.ts';
import { iso } from '../../time.ts';
import { judgeSigningKey, unauthorizedIn } from '../keys.ts';
import { receiversOf } from '../receivers/open.ts';
import { type Check, type Finding, ok, skipped, warning, wrong } from './machine-checks.ts';
import {
  accountDomains,
  type CommandText,
  keyRole,
  mailgun,
  redaction,
  refusedKey,
  tryApiKeyOnce,
  webhooks,
} from './mailgun-checks.ts';

interface StackContext {
  readonly deployment: Deployment;
  /** Undefined for the local stack, whose topics have no subscribers. */
  readonly account: AwsAccount | undefined;
  readonly now: () => number;
}

/** Returns the checks of a deployed stack. */
export function stackChecks({ deployment: own, account, now }: StackContext): Check[] {
  // Mailgun that does not respond is waited for once, not once a check.
  const deployment: Deployment = { ...own, silentHosts: new Set() };
  const run = (command: string) => printedCommand(deployment, command);
  const unknownFix = `${run('keys set --api-key')} < api-key.txt, with a key that may read events and webhooks; if Mailgun does not respond, try again later`;
  const key = tryApiKeyOnce(deployment, run);
  const withKey = (check: () => Promise<Finding>) => async () =>
    (await key.isUsable()) ? check() : skipped('waits for the API key, as above');
  const atMailgun = (what: string, check: (domain: string) => Promise<Finding>): Check[] =>
    deployment.domains.map((domain) => ({
      name: `${what} ${domain}`,
      check: withKey(() => check(domain).catch(refusedKey(run))),
      unknownFix,
    }));
  return [
    { name: 'signing key', check: () => signingKey(deployment, run, now()) },
    { name: 'API key', check: key.check, unknownFix },
    {
      name: 'role of the API key',
      check: withKey(() => keyRole(deployment, `${run('keys set --api-key')} < api-key.txt`, now())),
      unknownFix,
    },
    { name: 'API token', check: () => apiToken(deployment, run) },
    { name: 'read API', check: () => readApi(deployment, run) },
    ...atMailgun('Mailgun for', (domain) => mailgun(deployment, domain, run)),
    {
      name: 'domains at Mailgun',
      check: withKey(() => accountDomains(deployment, now())),
      unknownFix: `${run('doctor')}, later; until then compare with Mailgun's own list, under Send > Sending > Domains`,
    },
    ...atMailgun('webhooks of', (domain) => webhooks(deployment, domain, run)),
    ...atMailgun('redaction of', (domain) => redaction(deployment, domain)),
    { name: 'table', check: () => table(deployment) },
    ...queueChecks(deployment, run, now()),
    { name: 'triggers', check: () => triggers(deployment, account, now()) },
    { name: 'listing API', check: () => listingApi(deployment, run) },
    ...(hasOutput(deployment, 'BounceClasses')
      ? deployment.domains.map((domain) => ({
          name: `bounce classes of ${domain}`,
          check: () => bounceClasses(deployment, domain, now(), run),
        }))
      : []),
    ...(hasOutput(deployment, 'CertificateKeyArn')
      ? [{ name: 'key of certificates', check: () => certificateKey(deployment), unknownFix: certificateKeyFix }]
      : []),
    { name: 'page topic', check: () => topic(deployment, account, 'PageTopicArn', 'page') },
    { name: 'ticket topic', check: () => topic(deployment, account, 'TicketTopicArn', 'ticket') },
    ...deployment.domains.flatMap((domain) => [
      { name: `last event of ${domain}`, check: () => lastEvent(deployment, domain, now(), run) },
      { name: `last slice of ${domain}`, check: () => lastSlice(deployment, domain, now(), run, key.isUsable) },
    ]),
  ];
}

const certificateKeyFix = 'allow kms:GetPublicKey on the key that the output CertificateKeyArn names';

async function certificateKey(deployment: Deployment): Promise<Finding> {
  const fingerprint = fingerprintOf(await readCertificateKey(deployment));
  return ok(`${fingerprint}; keep this fingerprint outside the archive, and compare: verify <certificate> --key <it>`);
}

async function signingKey(deployment: Deployment, run: CommandText, nowMs: number): Promise<Finding> {
  const found = await judgeSigningKey(deployment);
  if (found.state !== undefined) return found;
  const { keys, own, comparison } = found;
  if (comparison.matches) return ok(`${own}; Mailgun signs with ${comparison.fingerprint}, which is set here`);
  return judgeByWebhooks(deployment, keys, own, comparison.why ?? '', run, nowMs);
}

/** Judges a key that cannot be compared by what it did in the last hour. */
async function judgeByWebhooks(
  deployment: Deployment,
  keys: SigningKeys,
  own: string,
  why: string,
  run: CommandText,
  nowMs: number,
): Promise<Finding> {
  const since = nowMs - HOUR_MS;
  const [verified, refused] = await Promise.all([
    deployment.logs('ingest', since, { message: MESSAGES.verifiedByCurrentKey }),
    deployment.logs('ingest', since, { message: MESSAGES.refused }),
  ]);
  const isVerifying = verified.some(({ facts }) => facts.fingerprint === keyFingerprint(keys.current ?? ''));
  const unauthorized = unauthorizedIn(refused);
  if (isVerifying) return ok(`${own} verifies webhooks (not compared with Mailgun's own: ${why})`);
  const fix = `${run('keys set')} < signing-key.txt, with the key that Mailgun shows under Send > Sending > Webhooks`;
  if (unauthorized > 0) return wrong(`${own} verified no webhook of the last hour, and ${unauthorized} got 401`, fix);
  return warning(`${own}, which no webhook of the last hour has confirmed, nor Mailgun: ${why}`, fix);
}

async function apiToken(deployment: Deployment, run: CommandText): Promise<Finding> {
  const token = await readApiToken(deployment);
  return token === '' ? wrong('empty: the read API refuses every request', run('token rotate')) : ok('set');
}

const READ_API_TIMEOUT_MS = 20_000;

/** Reads health as the dashboard does. */
async function readApi(deployment: Deployment, run: CommandText): Promise<Finding> {
  const url = `${deployment.output('ApiUrl')}${ROUTES.read}/health`;
  const takesJwts = whyTokenIsRefused(deployment);
  const headers = takesJwts === undefined ? { authorization: `Bearer ${await readApiToken(deployment)}` } : {};
  const signal = AbortSignal.timeout(READ_API_TIMEOUT_MS);
  const response = await fetch(url, { headers, signal }).catch(() => undefined);
  if (response === undefined) return wrong(`${url} does not respond`, run('logs read-access --since 30m'));
  if (response.status === 401 && takesJwts !== undefined) return ok(`responds; reading is not checked: ${takesJwts}`);
  if (response.status === 401) {
    return wrong(
      'responds, but refuses the stored token',
      'wait for 5 minutes after token rotate; with readApi.jwt in cdk.json, deploy this version',
    );
  }
  if (response.ok && takesJwts === undefined) return ok('responds');
  return wrong(`${url} returns ${response.status}`, run('logs read-api --since 30m --message "read failed"'));
}

/** Reports the billing mode, which decides what to do about throttling. */
async function table({ clients, output }: Deployment): Promise<Finding> {
  const describe = new DescribeTableCommand({ TableName: output('TableName') });
  const { Table } = await clients.table.send(describe).catch((error: Error) => {
    if (error.name === 'ResourceNotFoundException') return { Table: undefined };
    throw error;
  });
  if (Table === undefined) return wrong('does not exist', 'restore it: docs/operate.md#the-table-is-restored');
  const { TableStatus: state = 'ACTIVE' } = Table;
  if (state !== 'ACTIVE' && state !== 'UPDATING') {
    return wrong(`is ${state}`, 'wait, or find who changed it; once it is gone: docs/operate.md#the-table-is-restored');
  }
  const { WriteCapacityUnits: writes = 0, ReadCapacityUnits: reads = 0 } = Table.ProvisionedThroughput ?? {};
  return ok(writes > 0 ? `provisioned: now ${writes} writes and ${reads} reads a second` : 'on demand');
}

const OFF = ['Disabling', 'Disabled', 'Deleting'];
const TRIGGERED = {
  process: 'ProcessFunctionName',
  publish: 'PublishFunctionName',
  deliver: 'DeliverFunctionName',
} as const;

/** Reports functions that nothing invokes: no error tells of a publish or deliver whose trigger is off. */
async function triggers(deployment: Deployment, account: AwsAccount | undefined, nowMs: number): Promise<Finding> {
  if (account === undefined) return skipped('not on this machine');
  const off: string[] = [];
  for (const [name, key] of Object.entries(TRIGGERED).filter(([, key]) => hasOutput(deployment, key))) {
    const found = await account.triggers(deployment.output(key));
    if (found.length === 0) off.push(`${name} has none`);
    else if (name === 'deliver') {
      const sources = new Set(found.map(({ source }) => source.split(':').at(-1)));
      const without = receiversOf(deployment).filter(({ queueUrl }) => !sources.has(queueUrl.split('/').at(-1)));
      off.push(...without.map((receiver) => `deliver has none for ${receiver.name}`));
    }
    for (const { source, state, sinceMs } of found) {
      if (OFF.includes(state)) off.push(`${name}: ${source} is ${state} since ${timeAgo(sinceMs, nowMs)}`);
    }
  }
  if (off.length === 0) return ok('on');
  return wrong(
    off.join('; '),
    'enable it (Lambda, the function, Configuration, Triggers), at the step that names it where a table is being restored: docs/operate.md#the-table-is-restored',
  );
}

async function listingApi(deployment: Deployment, run: CommandText): Promise<Finding> {
  const { fellBackAt, announced } = await createListingNoteRepository(tableOf(deployment)).read();
  const fix = 'set reconcile.source in cdk.json to "logs", and deploy';
  if (fellBackAt !== undefined) {
    return warning(
      `Mailgun has ended its Events API (410): the ledger lists by the Logs API since ${iso(fellBackAt)}`,
      `${fix}; if Mailgun has brought it back: ${run('listing --use events')}`,
    );
  }
  if (announced === undefined) return ok('Mailgun has announced no end of it');
  return warning(
    `Mailgun has announced the end of its ${announcementText(announced)}`,
    announced.api === 'events' ? fix : 'check for its successor and for a new version of this stack',
  );
}

/** Reports Mailgun's last response to reconcile, which calls once a day. */
async function bounceClasses(
  deployment: Deployment,
  domain: string,
  nowMs: number,
  run: CommandText,
): Promise<Finding> {
  const known = await createBounceClassRepository(tableOf(deployment)).read(domain);
  if (known === undefined) return skipped('Mailgun has not been asked yet');
  const asked = `asked ${timeAgo(known.triedAt, nowMs)}`;
  if (known.note === null) return ok(`Mailgun gives them, ${asked}`);
  if (known.note !== NOT_GIVEN) {
    return warning(`not read: ${known.note}, ${asked}; tried again every day`, run('logs reconcile --since 1d'));
  }
  return warning(
    `Mailgun gives none to this key or plan, ${asked}`,
    'set reconcile.bounceClasses in cdk.json to false, and deploy; or change the plan or key at Mailgun',
  );
}

async function topic(
  deployment: Deployment,
  account: AwsAccount | undefined,
  outputKey: string,
  kind: string,
): Promise<Finding> {
  if (account === undefined) return skipped('not on this machine');
  const subscriptions = await account.subscriptions(deployment.output(outputKey)).catch((error: Error) => {
    if (error.name === 'NotFoundException' || error.name === 'NotFound') return undefined;
    throw error;
  });
  if (subscriptions === undefined) return wrong('does not exist, so no one is notified', RESTORE);
  if (subscriptions.length === 0) {
    return warning('no one is subscribed', `add an address to alarms.${kind} of cdk.json, and deploy`);
  }
  const ended = subscriptions.filter(({ deleted }) => deleted).map(({ endpoint }) => endpoint);
  if (ended.length > 0) {
    return wrong(
      `unsubscribed, so not notified: ${ended.join(', ')}`,
      `take it out of alarms.${kind} of cdk.json and deploy; to subscribe it again, put it back and deploy once more`,
    );
  }
  const waiting = subscriptions.filter(({ confirmed }) => !confirmed).map(({ endpoint }) => endpoint);
  if (waiting.length === 0) return ok(subscriptions.map(({ endpoint }) => endpoint).join(', '));
  return wrong(
    `not confirmed, so not notified: ${waiting.join(', ')}`,
    'follow the link in the mail "AWS Notification - Subscription Confirmation"; after 3 days deploy again',
  );
}

async function lastEvent(deployment: Deployment, domain: string, nowMs: number, run: CommandText): Promise<Finding> {
  const last = await readLastEvent(deployment, domain, nowMs);
  if (last !== undefined) return ok(`${last.type}, ${timeAgo(last.atMs, nowMs)}`);
  return warning(
    `none in the last ${LOOKBACK_DAYS} days`,
    `${run('logs ingest --since 1d')}, and: ${run('webhooks check')}`,
  );
}

async function lastSlice(
  deployment: Deployment,
  domain: string,
  nowMs: number,
  run: CommandText,
  hasUsableKey: () => Promise<boolean>,
): Promise<Finding> {
  const { judgedUntil, completeness } = await readDomainLedger(deployment, domain, ledgerTimes(deployment), nowMs);
  if (judgedUntil === undefined) {
    return warning('no ledger yet: it begins with the first webhook, and needs an API key', run('keys status'));
  }
  const says = `judged until ${timeAgo(judgedUntil * 1000, nowMs)}`;
  if (completeness === 'complete') return ok(`${says}, nothing is missing`);
  if (completeness === 'incomplete') return wrong(`${says}, and events are missing`, run('status'));
  const late = `${says}, which is longer ago than two runs`;
  if (!(await hasUsableKey())) return warning(late, 'fix the API key first, as above');
  return wrong(late, run('logs reconcile --since 1h'));
}

const LOOKBACK_MS = 15 * 60_000;
const RESTORE =
  'restore it as deployed (CloudFormation console, "Detect drift"), or wait where AWS Health reports an outage';

/** Returns the checks of queues and bus: an existing queue may still refuse messages. */
export function queueChecks(deployment: Deployment, run: CommandText, nowMs: number): Check[] {
  const logged = (source: 'ingest' | 'publish', message: string) =>
    readLogs(deployment, source, nowMs - LOOKBACK_MS, { message });
  const failed = (what: string, entries: readonly LogEntry[], fix: string) => {
    const { atMs, facts } = entries.at(-1) as LogEntry;
    const why = [facts.error ?? facts.reason, facts.detail].filter((each) => each !== undefined).join(', ');
    return wrong(`${what} ${counted(entries.length, 'time')} in 15 min, last ${timeAgo(atMs, nowMs)}: ${why}`, fix);
  };
  return [
    {
      name: 'queue',
      unknownFix: RESTORE,
      check: () =>
        depthOf(deployment, 'QueueUrl', async (messages) => {
          const onTheWay = `${counted(messages, 'event')} on the way to the table`;
          const lines = await logged('ingest', MESSAGES.refused);
          // The queue's state alone decides.
          if (typeof lines === 'string') return ok(`${onTheWay}; whether ingest can send to it is not known: ${lines}`);
          const refused = lines.filter(({ facts }) => facts.reason === 'queue-unavailable');
          if (refused.length > 0) {
            return failed('there, but ingest could not send to it', refused, `the queue or its policy: ${RESTORE}`);
          }
          return ok(onTheWay);
        }),
    },
    {
      name: 'dead-letter queue',
      unknownFix: RESTORE,
      check: () =>
        depthOf(deployment, 'DeadLettersUrl', async (messages) =>
          messages === 0 ? ok('empty') : warning(`holds ${counted(messages, 'message')}`, run('dlq list')),
        ),
    },
    ...(hasOutput(deployment, 'PublishLogGroup')
      ? [
          {
            name: 'event bus',
            check: async () => {
              const unpublished = await logged('publish', MESSAGES.notPublished);
              if (typeof unpublished === 'string') throw new TargetUnavailableError(unpublished);
              if (unpublished.length === 0) return ok('publish logged no failure in 15 min');
              return failed('publish could not put changes on it', unpublished, `the bus or its policy: ${RESTORE}`);
            },
          },
        ]
      : []),
  ];
}

async function depthOf(
  { clients, output }: Deployment,
  key: string,
  judge: (messages: number) => Promise<Finding>,
): Promise<Finding> {
  let messages: number;
  try {
    messages = await createQueueDepth(clients.queues, output(key)).messages();
  } catch (error) {
    const { name, message, code } = error as Error & { code?: unknown };
    if (/QueueDoesNotExist|NonExistentQueue/.test(name)) return wrong('does not exist', RESTORE);
    if (name === 'TimeoutError' || code !== undefined)
      return wrong(`does not respond (${message})`, `this computer must reach AWS; if it does, ${RESTORE}`);
    throw error;
  }
  return judge(messages);
}
