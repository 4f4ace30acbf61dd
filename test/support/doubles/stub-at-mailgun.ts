import { stackChecks } from '../../../cli/commands/doctor/stack-checks.ts';
import { runCheck } from '../../../cli/commands/doctor.ts';
import type { Deployment } from '../../../cli/target/types.ts';
import type { MailgunAccount } from '../../../tools/mailgun-twin/api/account.ts';
import { startMailgunApi } from '../../../tools/mailgun-twin/api/mailgun-api.ts';
import { EventLog } from '../../../tools/mailgun-twin/listings/event-log.ts';
import { createRandom } from '../../../tools/mailgun-twin/random.ts';
import { stubDeployment } from '../cli/command-line.ts';
import { API_DOMAIN, API_KEY } from './mailgun-api.ts';
import { stubSecrets } from './stub-secrets.ts';

export const OWN_URL = 'https://own.example.com/mailgun';

/** Opens a deployment without functions at the twin's API, with a settable clock; the caller closes it. */
export async function openStubAtMailgun(domains: readonly string[] = [API_DOMAIN]) {
  const account: MailgunAccount = { signingKey: 'key-of-the-account' };
  const log = new EventLog();
  const clock: { ms?: number } = {};
  const api = await startMailgunApi({
    log,
    apiKey: API_KEY,
    account,
    domains,
    random: createRandom(1),
    nowMs: () => clock.ms ?? Date.now(),
  });
  const outputs: Record<string, string> = { WebhookUrl: OWN_URL, WebhookEventTypes: 'opened,clicked' };

  /** The deployment with a stored API key. */
  function deployment(apiKey = API_KEY, over: Partial<Deployment> = {}): Deployment {
    const secrets = stubSecrets({ ApiKeySecretArn: JSON.stringify({ apiKey }) });
    const output = (name: string) => outputs[name] ?? secrets.output(name);
    return stubDeployment({ ...secrets, output, domains, mailgunUrl: () => api.url, ...over });
  }

  /** Runs one check of doctor. */
  function doctor(name: string, target = deployment(), nowMs = Date.now()) {
    const check = stackChecks({ deployment: target, account: undefined, now: () => nowMs }).find(
      (each) => each.name === name,
    );
    return runCheck(
      check?.check ?? (() => Promise.reject(new Error(`doctor has no check ${name}`))),
      check?.unknownFix,
    );
  }

  return { api, log, account, clock, deployment, doctor };
}

export type StubAtMailgun = Awaited<ReturnType<typeof openStubAtMailgun>>;
