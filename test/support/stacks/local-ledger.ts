import { setTimeout as sleep } from 'node:timers/promises';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { CliContext } from '../../../cli/command.ts';
import { openDeployment } from '../../../cli/target/open.ts';
import type { Deployment } from '../../../cli/target/types.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import type { LocalStackOptions } from '../../../tools/local-ledger/local-ledger.ts';
import { runCommand } from '../cli/command-line.ts';
import { DOMAIN } from '../fixtures/webhooks.ts';
import { startTestStack } from './local-stack.ts';

export const LOCAL_KEY = 'key-of-the-local-stack';
export const LOCAL_API_KEY = 'key-of-the-local-mailgun';
export const LOCAL_RECONCILE = {
  source: 'events',
  everySeconds: 600,
  settleSeconds: 1,
  sliceSeconds: 3,
  retentionSeconds: 600,
  fromEpochSeconds: undefined,
  mailgunUrl: undefined,
  apiKey: LOCAL_API_KEY,
} as const;

/** Hurries commands: one queue on one machine hides nothing from a first check, so no long second check is needed. */
const openHurried: CliContext['openDeployment'] = async (ref) => {
  const deployment: Deployment = await openDeployment(ref);
  deployment.clients.queues.middlewareStack.add(
    (next) => (args) =>
      next('WaitTimeSeconds' in args.input ? { ...args, input: { ...args.input, WaitTimeSeconds: 0 } } : args),
    { step: 'initialize', name: 'hurry' },
  );
  return deployment;
};

/** Starts a local stack with the operator's commands on it. */
export async function startLocalLedger(over: Partial<LocalStackOptions> = {}) {
  const stack = await startTestStack({ keys: { current: LOCAL_KEY }, reconcile: LOCAL_RECONCILE, ...over });
  const port = Number(new URL(stack.ready.webhookUrl).port);
  return {
    stack,
    port,
    target: await openDeployment({ kind: 'local', port }),
    ledger: (args: readonly string[], context: Partial<CliContext> = {}) =>
      runCommand([...args, '--local', '--port', String(port)], { openDeployment: openHurried, sleep, ...context }),
    /** Calls the twin's API, as Mailgun's own dashboard would. */
    mailgun: (path: string, init: RequestInit = {}) => callTwin(stack.mailgun.url, path, init),
  };
}

export type LocalLedger = Awaited<ReturnType<typeof startLocalLedger>>;

/** Starts a local stack for all tests of the file, and stops it after them. */
export function localLedgerForAll(): LocalLedger {
  const local = {} as LocalLedger;
  beforeAll(async () => {
    Object.assign(local, await startLocalLedger());
  }, 120_000);
  afterAll(() => local.stack?.stop());
  return local;
}

/** Returns the stored copies of an event, read consistently. */
export async function storedCopies({ target }: LocalLedger, event: JsonObject) {
  const { Items = [] } = await target.clients.table.send(
    new QueryCommand({
      TableName: target.output('TableName'),
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': identify(event, DOMAIN).partition },
    }),
  );
  return Items.filter(({ raw }) => raw !== undefined);
}

export async function callTwin(baseUrl: string, path: string, init: RequestInit = {}, apiKey = LOCAL_API_KEY) {
  const authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`;
  const response = await fetch(baseUrl + path, { ...init, headers: { authorization } });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: responses of several APIs, held by the assertions
  const json: any = text.startsWith('{') ? JSON.parse(text) : undefined;
  return { status: response.status, json };
}

/** Returns a form; a list repeats its field name. */
export function formOf(fields: Readonly<Record<string, string | readonly string[]>>): FormData {
  const form = new FormData();
  for (const [name, values] of Object.entries(fields)) for (const value of [values].flat()) form.append(name, value);
  return form;
}
