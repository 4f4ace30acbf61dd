import { type ApiAnswer, ok, refusal } from './api-answer.ts';
import { type DeliveryPlan, SMOOTH } from './delivery.ts';
import type { Mail } from './event-parts.ts';
import { accepted, delivered } from './events.ts';
import { HEX, type Random } from './random.ts';
import type { Twin } from './twin.ts';

export interface MessagesTools {
  readonly twin: Pick<Twin, 'happen'>;
  readonly random: Random;
  readonly nowMs: () => number;
}

/** The request of a client that sends, as it came. */
export interface SendRequest {
  readonly domain: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Reported at once, and given up at the first failure: nothing here lives long enough for retries. */
const PLAN: DeliveryPlan = { ...SMOOTH, retryMinutes: [] };

/** Takes a mail as Mailgun's Messages API does: it is accepted, and delivered to everybody at once. */
export async function takeMessage(request: SendRequest, { twin, random, nowMs }: MessagesTools): Promise<ApiAnswer> {
  const form = await parseForm(request);
  if (!form) return refusal(400, 'the body is no form');
  const from = textsOf(form, 'from')[0];
  const recipients = textsOf(form, 'to').flatMap(addressesOf);
  if (!from) return refusal(400, 'from parameter is missing');
  if (recipients.length === 0) return refusal(400, 'to parameter is missing');

  const epochMs = nowMs();
  const stamp = new Date(epochMs).toISOString().replace(/\D/g, '').slice(0, 14);
  const mail: Mail = {
    domain: request.domain,
    messageId: `${stamp}.1.${random.text(16, HEX)}@${request.domain}`,
    from,
    to: recipients,
    subject: textsOf(form, 'subject')[0] ?? '',
    tags: textsOf(form, 'o:tag'),
  };
  const variables = Object.fromEntries(
    [...form].flatMap(([name, value]) => (name.startsWith('v:') ? [[name.slice('v:'.length), String(value)]] : [])),
  );
  for (const recipient of recipients) {
    for (const [build, afterMs] of [[accepted, 0] as const, [delivered, 1] as const]) {
      const data = build({ mail, recipient, epochMs: epochMs + afterMs, random });
      twin.happen({ mail, data: { ...data, 'user-variables': variables }, plan: PLAN });
    }
  }
  return ok({ id: `<${mail.messageId}>`, message: 'Queued. Thank you.' });
}

async function parseForm({ contentType, body }: SendRequest): Promise<FormData | undefined> {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    return undefined;
  }
}

const textsOf = (form: FormData, name: string) =>
  form.getAll(name).filter((value): value is string => typeof value === 'string' && value !== '');

/** `Ada <ada@example.org>, bob@example.org`: what stands in brackets, or alone. */
function addressesOf(list: string): string[] {
  return list
    .split(',')
    .map((each) => (/<([^<>]+)>\s*$/.exec(each)?.[1] ?? each).trim())
    .filter((address) => address.includes('@'));
}
