import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createEventLookup } from '../../lambdas/adapters/table/stored-event-repository.ts';
import { ROUTES } from '../../lambdas/contract.ts';
import { messageIdOf } from '../../lambdas/domain/events/event.ts';
import { identify } from '../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { TEST_EVENT_PREFIX, TEST_EVENT_SECONDS } from '../../lambdas/domain/webhooks/test-sample.ts';
import { readApiToken, readSigningKeys, whyTokenIsRefused } from '../access.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkSendingDomain,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  wholeNumber,
} from '../command.ts';
import { tableOf } from '../ledger.ts';
import { createEmit } from '../output.ts';
import { hasOutput } from '../target/types.ts';

/** `acknowledged`: ingest responded; `stored`: process has taken it from the queue; `readable`: the read API shows it. */
type Hop = 'acknowledged' | 'stored' | 'readable';

/** The lines of `send-test --json`. */
export type SendTestLine =
  | { event: 'sent'; messageId: string; recipient: string; eventKey: string }
  | { event: 'hop'; hop: Hop; tookMs: number; sinceSentMs: number }
  | { event: 'waiting'; why: string }
  | { event: 'lost'; hop: Hop; why: string }
  | { event: 'unchecked'; hop: Hop; why: string }
  | { event: 'not-ready'; why: string }
  | { event: 'done'; messageId: string; tookMs: number };

interface SendTestOptions extends TargetOptions {
  readonly domain?: string;
  readonly wait: number;
  readonly ifKey?: boolean;
}

/** Exit code where nothing can arrive yet, which is neither success nor a fault. */
const NOT_READY = 3;

const RESPONSE_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 100;
/** Ingest reads its secret again after 30 seconds, where nothing matches. */
const KEY_TAKEN_MS = 35_000;
const KEY_POLL_MS = 2000;

const EXAMPLES = `
The event is a delivery to send-test@<domain>, dated 2018 like those of Mailgun's test button. No slice of the ledger is
that old, so it changes no figures and sets off no alarm. You can send it any number of times; it is kept as long as any
event.

Examples:
  npm run ledger -- send-test --env prod
  npm run ledger -- send-test --env prod --domain mg.example.com --wait 120
  npm run ledger -- send-test --local --json

Needs on AWS: secretsmanager:GetSecretValue on the secrets of signing keys and token, dynamodb:GetItem on the table.`;

export const sendTestCommand: CommandBuilder = (context, run) =>
  ledgerCommand('send-test', 'post a signed event to the webhook URL, and check that it can be read')
    .option('--domain <name>', 'the sending domain of the event (the first of the stack)')
    .option('--wait <seconds>', 'how long to wait until it is stored', wholeNumber(1), 60)
    .option('--if-key', 'exit with 0 if the stack is not set up yet, as after a first deploy by a pipeline')
    .addHelpText('after', EXAMPLES)
    .action(run<SendTestOptions>((options) => sendTest(context, options)));

/** Why an event did not get further; the text is for the operator. */
class EventLostError extends Error {
  override name = 'EventLostError';
}

/** Ingest does not know the key. */
class RefusedKeyError extends EventLostError {
  override name = 'RefusedKeyError';
}

/** The DNS does not know the host; the message names it. */
class UnknownHostError extends EventLostError {
  override name = 'UnknownHostError';
}

async function sendTest(context: CliContext, options: SendTestOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const domain = options.domain ?? deployment.domains[0] ?? '';
  checkSendingDomain(deployment, domain);
  const emit = createEmit<SendTestLine>(context, options.json);
  const { keys, sinceMs: keySinceMs = Number.NEGATIVE_INFINITY } = await readSigningKeys(deployment);
  const signingKey = keys.current;
  const notReady = (why: string) => {
    emit({ event: 'not-ready', why }, `Not set up yet: ${why}.`);
    return options.ifKey ? 0 : NOT_READY;
  };
  if (signingKey === undefined) return notReady('the stack has no signing key; keys set stores one');
  const unchecked = whyTokenIsRefused(deployment);
  const apiToken = unchecked === undefined ? await readApiToken(deployment) : '';

  const event = testEvent(domain);
  const messageId = messageIdOf(event) ?? '';
  const identity = identify(event, domain);
  const { eventKey } = identity;
  const events = createEventLookup(tableOf(deployment));
  emit({ event: 'sent', messageId, recipient: event.recipient, eventKey }, `Sending ${eventKey} of ${messageId}`);
  const sentMs = context.now();
  const deadlineMs = sentMs + options.wait * 1000;

  const hops: [Hop, text: string, arrive: () => Promise<void>][] = [
    [
      'acknowledged',
      'acknowledged, so it is in the queue',
      () => postUntilKeyIsTaken(signedWebhook(event, signingKey, sentMs)),
    ],
    ['stored', 'stored', () => until(() => events.isStored(identity), 'it is not stored; see status and dlq list')],
  ];
  if (unchecked === undefined) {
    hops.push(['readable', 'shown by the read API', () => until(isReadable, 'the read API does not show it')]);
  }
  let beforeMs = sentMs;
  for (const [hop, text, arrive] of hops) {
    try {
      await arrive();
    } catch (error) {
      if (!(error instanceof EventLostError)) throw error;
      const output = hop === 'readable' ? 'ApiDomainTarget' : 'WebhookDomainTarget';
      if (error instanceof UnknownHostError && hasOutput(deployment, output)) {
        return notReady(`${error.message}; point a CNAME at the output ${output}`);
      }
      emit({ event: 'lost', hop, why: error.message }, `Lost: ${error.message}.`);
      return 1;
    }
    const nowMs = context.now();
    const [tookMs, sinceSentMs] = [nowMs - beforeMs, nowMs - sentMs];
    emit({ event: 'hop', hop, tookMs, sinceSentMs }, `${String(tookMs).padStart(7)} ms  ${text}`);
    beforeMs = nowMs;
  }
  if (unchecked !== undefined) {
    emit({ event: 'unchecked', hop: 'readable', why: unchecked }, `Not checked: ${unchecked}.`);
  }
  const tookMs = beforeMs - sentMs;
  emit({ event: 'done', messageId, tookMs }, `${String(tookMs).padStart(7)} ms  in all`);
  return 0;

  /** Posts until ingest accepts a new key, which it may refuse until it reads the secret again. */
  async function postUntilKeyIsTaken(body: string): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await post(deployment.output('WebhookUrl'), body);
      } catch (error) {
        const isNew = context.now() < keySinceMs + KEY_TAKEN_MS;
        if (!(error instanceof RefusedKeyError) || !isNew || context.signal.aborted) throw error;
        const why = 'the key was stored just now, and ingest takes it within 30 seconds';
        if (tries === 0) emit({ event: 'waiting', why }, `Waiting: ${why}.`);
        await context.sleep(KEY_POLL_MS);
      }
    }
  }

  async function until(isThere: () => Promise<boolean>, otherwise: string): Promise<void> {
    while (!(await isThere())) {
      if (context.signal.aborted || context.now() >= deadlineMs) {
        throw new EventLostError(`${otherwise} (after ${Math.round((context.now() - sentMs) / 1000)} s)`);
      }
      await context.sleep(POLL_INTERVAL_MS);
    }
  }

  async function isReadable(): Promise<boolean> {
    const url = `${deployment.output('ApiUrl')}${ROUTES.read}/messages?id=${encodeURIComponent(messageId)}`;
    const { status, text } = await request(url, { headers: { authorization: `Bearer ${apiToken}` } }, 'the read API');
    if (status === 404) return false;
    if (status !== 200) throw new EventLostError(`the read API responded ${status}${reasonIn(text)}`);
    const { events } = JSON.parse(text) as { events?: { key?: string }[] };
    return events?.some(({ key }) => key === eventKey) ?? false;
  }
}

async function post(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await request(url, { method: 'POST', headers, body }, 'the webhook URL');
  const problem = `the webhook URL returned ${status}${reasonIn(text)}`;
  if (status === 401) throw new RefusedKeyError(problem);
  if (status !== 200) throw new EventLostError(problem);
}

async function request(url: string, init: RequestInit, what: string): Promise<{ status: number; text: string }> {
  try {
    const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    if (cause?.code === 'ENOTFOUND') throw new UnknownHostError(`the DNS does not know ${new URL(url).hostname}`);
    throw new EventLostError(`${what} does not respond`);
  }
}

function reasonIn(text: string): string {
  const reason = /"reason":"([a-z-]+)"/.exec(text)?.[1];
  return reason === undefined ? '' : ` (${reason})`;
}

/** Returns an event of 2018: one of today would end as unconfirmed, since Mailgun does not list it. */
export function testEvent(domain: string): JsonObject & { recipient: string } {
  return {
    event: 'delivered',
    id: randomBytes(16).toString('base64url'),
    timestamp: TEST_EVENT_SECONDS,
    recipient: `${TEST_EVENT_PREFIX}@${domain}`,
    domain: { name: domain },
    message: { headers: { 'message-id': `${TEST_EVENT_PREFIX}-${randomUUID()}@${domain}`, subject: 'send-test' } },
    flags: { 'is-test-mode': true },
    tags: ['send-test'],
    'user-variables': {},
  };
}

/** Returns the body of a webhook as Mailgun posts it, with a new token. */
function signedWebhook(event: JsonObject, signingKey: string, nowMs: number): string {
  const timestamp = String(Math.floor(nowMs / 1000));
  const token = randomBytes(25).toString('hex');
  const signature = createHmac('sha256', signingKey)
    .update(timestamp + token)
    .digest('hex');
  return JSON.stringify({ signature: { timestamp, token, signature }, 'event-data': event });
}
