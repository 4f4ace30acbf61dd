import { HEX, type Random } from '../random.ts';
import type { EventData, Mail } from '../traffic/event-parts.ts';
import { accepted, delivered } from '../traffic/events.ts';
import type { Twin } from '../twin.ts';
import { type DeliveryPlan, SMOOTH } from '../webhooks/delivery.ts';
import { NO_RETRIES } from '../webhooks/retries.ts';
import { type ApiResponse, ok } from './api-response.ts';
import { parseForm, readFields, readMime, type Submission } from './submission.ts';

interface MessagesTools {
  readonly twin: Pick<Twin, 'happen'>;
  readonly random: Random;
  readonly nowMs: () => number;
}

/** A client's request to send mail. */
export interface SendRequest {
  readonly domain: string;
  /** True if sent as MIME, not as fields. */
  readonly isMime: boolean;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Reported at once, and given up at the first failure. */
const PLAN: DeliveryPlan = { ...SMOOTH, retryMinutes: NO_RETRIES };

/** Accepts mail like Mailgun's Messages API, and delivers it to every recipient at once. */
export async function takeMessage(request: SendRequest, { twin, random, nowMs }: MessagesTools): Promise<ApiResponse> {
  const form = await parseForm(request.contentType, request.body);
  const submission = request.isMime ? await readMime(form) : readFields(form);
  const { from, to, copies, subject, tags } = submission;
  const epochMs = nowMs();
  const stamp = new Date(epochMs).toISOString().replace(/\D/g, '').slice(0, 14);
  const messageId = `${stamp}.1.${random.text(16, HEX)}@${request.domain}`;
  const mail: Mail = { domain: request.domain, messageId, from, to, copies, subject, tags };
  for (const recipient of [...to, ...copies]) {
    for (const [build, afterMs] of [[accepted, 0] as const, [delivered, 1] as const]) {
      const data = build({ mail, recipient, epochMs: epochMs + afterMs, random });
      twin.happen({ mail, data: marked(data, submission), plan: PLAN });
    }
  }
  return ok({ id: `<${messageId}>`, message: 'Queued. Thank you.' });
}

/** Returns an event with the sender's variables, tags and test mode. */
function marked(data: EventData, { variables, isTest, template }: Submission): EventData {
  return {
    ...data,
    'user-variables': variables,
    flags: { ...(data.flags as object), 'is-test-mode': isTest },
    ...(template !== undefined && { template: { name: template } }),
  };
}
