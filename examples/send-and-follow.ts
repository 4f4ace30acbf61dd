import { setTimeout as sleep } from 'node:timers/promises';
import Mailgun from 'mailgun.js';

// Sends one mail with mailgun.js and follows it in the ledger. Run it with
// node examples/send-and-follow.ts ada@example.org order-7

/** Settings of the sender; in production they come from your own configuration. */
interface Settings {
  ledgerUrl: string;
  ledgerToken: string;
  mailgunUrl: string;
  mailgunKey: string;
  domain: string;
}

interface Suppressions {
  suppressed: boolean;
  suppressions: { kind: string; reason: string | null }[];
}

interface Message {
  recipients: { recipient: string; status: string | null; reason: string | null; decidedBy: string }[];
  events: { key: string; name: string; timestamp: number; userVariables: unknown }[];
}

export type Outcome =
  | { sent: false; because: string[] }
  | { sent: true; messageId: string; status: string | null; events: string[]; myId: unknown };

/** Checks, sends, and waits until the ledger has a status of the mail. */
export async function sendAndFollow(
  settings: Settings,
  to: string,
  myId: string,
  patienceMs = 60_000,
): Promise<Outcome> {
  const { ledgerUrl, ledgerToken, mailgunUrl, mailgunKey, domain } = settings;

  /** Reads from the ledger; returns undefined for what it does not know yet. */
  async function read<T>(path: string): Promise<T | undefined> {
    const response = await fetch(ledgerUrl + path, { headers: { authorization: `Bearer ${ledgerToken}` } });
    if (response.status === 404) return undefined;
    // 503 and 429 may be tried again; here the caller does.
    if (!response.ok) throw new Error(`the ledger returned ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  // 1. Ask first. Name the domain and the tags of the mail, or any unsubscribe holds it back. URLSearchParams escapes the
  // plus sign of an address; a wrong parameter is a 400, never a yes by mistake.
  const tag = 'receipts';
  const question = new URLSearchParams({ address: to, domain, tag });
  const known = await read<Suppressions>(`/mailgun/suppressions?${question}`);
  if (known?.suppressed) return { sent: false, because: known.suppressions.map(({ kind }) => kind) };

  // 2. Send, with an id of your own on the mail: `v:` variables come back on every event.
  const mailgun = new Mailgun(FormData).client({ username: 'api', key: mailgunKey, url: mailgunUrl });
  const { id } = await mailgun.messages.create(domain, {
    from: `Shop <shop@${domain}>`,
    to: [to],
    subject: 'Your receipt',
    text: 'Thank you for your order.',
    'o:tag': [tag],
    'v:my-id': myId,
  });
  if (id === undefined) throw new Error('Mailgun gave no message id');

  // 3. Keep the message id with your own record: it is what joins the two. Brackets make no difference.
  const messageId = id.replace(/^<|>$/g, '');

  // 4. Show the status. A page would poll with If-None-Match instead of waiting.
  for (const endMs = Date.now() + patienceMs; ; await sleep(500)) {
    const message = await read<Message>(`/mailgun/messages?${new URLSearchParams({ id: messageId })}`);
    const own = message?.recipients.find(({ recipient }) => recipient.toLowerCase() === to.toLowerCase());
    const isOver = own !== undefined && own.status !== null && !['ACCEPTED', 'DEFERRED'].includes(own.status);
    // A status is written a moment before the event that decides it.
    const deciding = message?.events.find(({ key }) => key === own?.decidedBy);
    if (!(isOver && deciding) && Date.now() < endMs) continue;
    return {
      sent: true,
      messageId,
      status: own?.status ?? null,
      events: (message?.events ?? []).map(({ name }) => name),
      myId: (deciding?.userVariables as Record<string, unknown> | undefined)?.['my-id'],
    };
  }
}

if (import.meta.main) {
  const need = (name: string) => {
    const value = process.env[name];
    if (!value) throw new Error(`set ${name}`);
    return value;
  };
  const [to, myId] = process.argv.slice(2);
  if (!to || !myId) throw new Error('usage: node examples/send-and-follow.ts <address> <your id>');
  const settings = {
    ledgerUrl: need('LEDGER_URL'),
    ledgerToken: need('LEDGER_TOKEN'),
    mailgunUrl: need('MAILGUN_URL'),
    mailgunKey: need('MAILGUN_KEY'),
    domain: need('MAILGUN_DOMAIN'),
  };
  console.log(JSON.stringify(await sendAndFollow(settings, to, myId), null, 2));
}
