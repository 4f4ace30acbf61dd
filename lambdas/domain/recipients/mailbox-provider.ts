import type { MailgunEvent } from '../events/mailgun-event.ts';

// Mailgun names the mailbox provider in `recipient-provider`. Where it does not, the host that took the mail decides,
// which is right for companies' own domains too, and after that the recipient's domain.

interface MailboxProvider {
  /** Suffixes of the hosts that their domains' MX records name. */
  readonly hosts: readonly string[];
  readonly domains: readonly string[];
}

const PROVIDERS: Readonly<Record<string, MailboxProvider>> = {
  gmail: { hosts: ['google.com', 'googlemail.com'], domains: ['gmail.com', 'googlemail.com'] },
  outlook: {
    hosts: ['protection.outlook.com', 'hotmail.com'],
    domains: ['outlook.com', 'hotmail.com', 'live.com', 'msn.com', 'hotmail.co.uk', 'hotmail.fr', 'outlook.de'],
  },
  yahoo: { hosts: ['yahoodns.net'], domains: ['yahoo.com', 'yahoo.co.uk', 'yahoo.fr', 'ymail.com', 'aol.com'] },
  icloud: { hosts: ['mail.icloud.com'], domains: ['icloud.com', 'me.com', 'mac.com'] },
  gmx: { hosts: ['gmx.net', 'web.de'], domains: ['gmx.de', 'gmx.net', 'gmx.com', 'web.de'] },
  proton: { hosts: ['protonmail.ch'], domains: ['proton.me', 'protonmail.com', 'pm.me'] },
  zoho: { hosts: ['zoho.com', 'zoho.eu'], domains: ['zoho.com'] },
  fastmail: { hosts: ['messagingengine.com'], domains: ['fastmail.com', 'fastmail.fm'] },
};

/** Other names that Mailgun may use for these. */
const OTHER_NAMES = new Map([
  ['google', 'gmail'],
  ['microsoft', 'outlook'],
  ['hotmail', 'outlook'],
  ['aol', 'yahoo'],
]);

/** The name of everything that is not in the table. */
export const OTHER_PROVIDER = 'other';

/** Returns the mailbox provider of an event's recipient, lower case; `other` where it is not known. */
export function mailboxProviderOf(event: Pick<MailgunEvent, 'provider' | 'mxHost' | 'recipient'>): string {
  const named = plain(event.provider);
  if (named !== '' && named !== OTHER_PROVIDER) return OTHER_NAMES.get(named) ?? named.slice(0, 64);
  const host = plain(event.mxHost);
  const recipient = plain(event.recipient);
  const domain = recipient.slice(recipient.lastIndexOf('@') + 1).replace(/>$/, '');
  const fits = ([, { hosts, domains }]: [string, MailboxProvider]) =>
    domains.includes(domain) || hosts.some((suffix) => host === suffix || host.endsWith(`.${suffix}`));
  return Object.entries(PROVIDERS).find(fits)?.[0] ?? OTHER_PROVIDER;
}

const plain = (text = '') => text.trim().toLowerCase();
