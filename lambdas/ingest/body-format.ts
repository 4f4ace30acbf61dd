import { type ParsedWebhook, parseFormWebhook, parseJsonWebhook } from '../domain/webhooks/webhook-body.ts';

const FORM_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data'];

/** Returns the parser for a content type: forms are Mailgun's legacy format, anything else must be JSON. */
export function parserFor(contentType = ''): (bytes: Uint8Array) => ParsedWebhook | Promise<ParsedWebhook> {
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return FORM_TYPES.includes(mediaType) ? (bytes) => parseForm(bytes, contentType) : parseJsonWebhook;
}

async function parseForm(bytes: Uint8Array, contentType: string): Promise<ParsedWebhook> {
  try {
    const form = await new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': contentType },
    }).formData();
    const texts = [...form].filter((field): field is [string, string] => typeof field[1] === 'string');
    return parseFormWebhook(texts);
  } catch {
    return { ok: false, reason: 'malformed-body' };
  }
}
