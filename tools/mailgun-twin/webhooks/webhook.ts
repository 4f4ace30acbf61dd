import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { EventData, Mail } from '../traffic/event-parts.ts';
import { type LegacyEncoding, legacyForm } from './legacy-form.ts';
import type { WebhookSignature } from './signature.ts';

export type Encoding = 'json' | LegacyEncoding;

/** The POST of one event, without its URL. */
export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | URLSearchParams | FormData;
}

interface PostResponse {
  readonly status: number;
  readonly text: string;
}

/** Sends a webhook; rejects if no response arrives. */
export type Post = (webhook: WebhookRequest) => Promise<PostResponse>;

const HEADERS = { 'user-agent': 'mailgun/treq-24.9.1', accept: '*/*', 'accept-encoding': 'gzip' };

export function jsonWebhook(event: EventData, signature: WebhookSignature): WebhookRequest {
  // Mailgun escapes slashes, which matters only to receivers that compare raw bodies.
  const body = JSON.stringify({ signature, 'event-data': event }).replaceAll('/', '\\/');
  return { headers: { ...HEADERS, 'content-type': 'application/json' }, body };
}

/** Builds a legacy form webhook; the form's encoder sets its content type, which contains the boundary. */
export function legacyWebhook(
  encoding: LegacyEncoding,
  event: EventData,
  mail: Mail,
  signature: WebhookSignature,
): WebhookRequest {
  return { headers: HEADERS, body: legacyForm(encoding, event, mail, signature) };
}

/**
 * Posts over the network with exactly Mailgun's headers; `fetch` would add others. Redirects are not followed: Mailgun
 * does not promise to follow any.
 */
export function createPost(url: string, timeoutMs: number, signal: AbortSignal): Post {
  return async ({ headers, body }) => {
    const form = new Response(body);
    const bytes = Buffer.from(await form.arrayBuffer());
    const contentType = headers['content-type'] ?? form.headers.get('content-type') ?? 'application/octet-stream';
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    return new Promise<PostResponse>((resolve, reject) => {
      const request = url.startsWith('https:') ? requestHttps : requestHttp;
      const outgoing = request(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': contentType, 'content-length': bytes.length },
        signal: timeout,
      });
      outgoing.once('error', reject);
      outgoing.once('response', async (response) => {
        const chunks: Buffer[] = [];
        try {
          for await (const chunk of response) chunks.push(chunk as Buffer);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
        } catch (error) {
          reject(error);
        }
      });
      outgoing.end(bytes);
    });
  };
}
