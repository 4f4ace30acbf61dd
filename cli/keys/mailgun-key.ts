import type { AskMailgun } from '../mailgun.ts';
import { messageOf } from '../mailgun.ts';
import { OutOfReach, type Target } from '../target.ts';
import { checkKey } from './stored-keys.ts';

const PATH = '/v5/accounts/http_signing_key';

/** The key that Mailgun signs with now. */
export async function readMailgunKey(ask: AskMailgun, target: Target): Promise<string> {
  const answer = await ask(anyDomain(target), 'GET', PATH);
  const key = (answer.body as { http_signing_key?: unknown } | undefined)?.http_signing_key;
  if (answer.status !== 200 || typeof key !== 'string') {
    throw new OutOfReach(`Mailgun does not tell its signing key: ${messageOf(answer)}; pipe it in instead`);
  }
  return checkKey(key, 'signing');
}

/** Has Mailgun make a new one; the old one signs nothing from then on. */
export async function replaceMailgunKey(ask: AskMailgun, target: Target): Promise<void> {
  const answer = await ask(anyDomain(target), 'POST', PATH);
  if (answer.status !== 200 && answer.status !== 201) {
    throw new OutOfReach(`Mailgun did not replace its signing key: ${messageOf(answer)}; nothing was changed`);
  }
}

/** The key is the account's, so any of its domains leads there. */
function anyDomain({ domains, name }: Target): string {
  const [domain] = domains;
  if (domain === undefined) throw new OutOfReach(`${name} has no sending domain`);
  return domain;
}
