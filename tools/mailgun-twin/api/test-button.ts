import { HEX, type Random } from '../random.ts';
import type { EventData } from '../traffic/event-parts.ts';
import { createSignature } from '../webhooks/signature.ts';
import { createPost, jsonWebhook } from '../webhooks/webhook.ts';
import type { MailgunAccount } from './account.ts';
import { type ApiResponse, ok } from './api-response.ts';

const RESPONSE_TIMEOUT_MS = 10_000;

/** Posts the sample to a URL, and returns the URL's response. */
export async function testWebhook(
  domain: string,
  url: string,
  { signingKey }: MailgunAccount,
  { random, nowMs }: { readonly random: Random; readonly nowMs: () => number },
): Promise<ApiResponse> {
  const parts = { timestamp: String(Math.floor(nowMs() / 1000)), token: random.text(50, HEX) };
  const webhook = jsonWebhook(testButtonEvent(domain), createSignature({ signing: signingKey }, parts));
  const post = createPost(url, RESPONSE_TIMEOUT_MS, new AbortController().signal);
  const { status, text } = await post(webhook).catch((error) => ({ status: 0, text: String(error) }));
  return ok({ code: status, message: text });
}

/** Returns the message id in the test button's sample. */
export const testButtonMessageId = (domain: string) => `20180321164742.1.5C0FFEE5A11D0C5E@${domain}`;

/** Returns the dashboard's test event for `delivered`: always the same one of March 2018, with a fresh signature. */
export function testButtonEvent(domain: string): EventData {
  return {
    event: 'delivered',
    id: 'CPgfbmQMTCKtHW6uIWtuVe',
    timestamp: 1521472262.908181,
    'log-level': 'info',
    'delivery-status': {
      'attempt-no': 1,
      'certificate-verified': true,
      code: 250,
      description: '',
      message: 'OK',
      'mx-host': 'mx.example.com',
      'session-seconds': 0.27,
      tls: true,
      utf8: true,
    },
    flags: { 'is-authenticated': true, 'is-routed': false, 'is-system-test': false, 'is-test-mode': false },
    envelope: {
      sender: `bob@${domain}`,
      'sending-ip': '198.51.100.7',
      targets: 'alice@example.com',
      transport: 'smtp',
    },
    message: {
      headers: {
        from: `Bob <bob@${domain}>`,
        'message-id': testButtonMessageId(domain),
        subject: 'A webhook to try things with',
        to: 'Alice <alice@example.com>',
      },
      attachments: [],
      size: 111,
    },
    recipient: 'alice@example.com',
    'recipient-domain': 'example.com',
    storage: { key: 'a-key', url: `https://storage-us-east4.api.mailgun.net/v3/domains/${domain}/messages/a-key` },
    campaigns: [],
    tags: ['first-tag', 'second-tag'],
    'user-variables': { 'first-variable': 'a value', second_variable: 'another' },
  };
}
