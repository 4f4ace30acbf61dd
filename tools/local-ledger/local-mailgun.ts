import type { StackRun } from '../local-stack/run/run.ts';
import { outputOf, type Stack } from '../local-stack/template/stack.ts';
import { isRecord } from '../local-stack/template/template.ts';
import { type MailgunAccount, newKey } from '../mailgun-twin/api/account.ts';
import { type MailgunApi, startMailgunApi } from '../mailgun-twin/api/mailgun-api.ts';
import { EventLog } from '../mailgun-twin/listings/event-log.ts';
import { openTwin } from '../mailgun-twin/open-twin.ts';
import { createRandom } from '../mailgun-twin/random.ts';
import type { EventData } from '../mailgun-twin/traffic/event-parts.ts';

interface LocalMailgunOptions {
  readonly domains: readonly string[];
  /** Signing key. @default a new key: an account has one even before the stack knows it */
  readonly signingKey: string | undefined;
  /** @default a new key */
  readonly apiKey: string | undefined;
  readonly seed: number;
  /** Domains whose webhooks are redacted. @default none */
  readonly redactedDomains?: readonly string[];
}

/** The Mailgun account of a local stack. */
export interface LocalMailgun {
  readonly account: MailgunAccount;
  readonly apiKey: string;
  readonly api: MailgunApi;
  /** Events that the API lists. */
  readonly eventLog: EventLog;
  /** Makes the API list events for which no webhook is posted. */
  list(events: readonly EventData[]): void;
  /** Registers the stack's webhooks, as `webhooks sync` does, so that an ordinary run has no drift. */
  register(stack: Stack): void;
  /** From now on accepts mail, and posts its events to the registered webhooks. */
  takeMail(): void;
}

export async function openLocalMailgun(options: LocalMailgunOptions, { disposables }: StackRun): Promise<LocalMailgun> {
  const { domains, signingKey = newKey(), apiKey = newKey(), seed, redactedDomains } = options;
  const account: MailgunAccount = { signingKey, redactedDomains: new Set(redactedDomains) };
  const eventLog = new EventLog();
  const api = await startMailgunApi({ log: eventLog, apiKey, account, domains, random: createRandom(seed) });
  disposables.add(() => api.close());
  return {
    account,
    apiKey,
    api,
    eventLog,
    list(events) {
      for (const data of events) eventLog.add(domainNamed(data) ?? domains[0] ?? '', data);
    },
    register(stack) {
      const types = outputOf(stack, 'WebhookEventTypes').split(',');
      for (const domain of domains) api.register(domain, types, outputOf(stack, 'WebhookUrl'));
    },
    takeMail() {
      const sending = new AbortController();
      disposables.add(() => sending.abort());
      api.takeMail(openTwin(api, { eventLog, account }, sending.signal));
    },
  };
}

function domainNamed({ domain }: EventData): string | undefined {
  return isRecord(domain) && typeof domain.name === 'string' ? domain.name : undefined;
}
