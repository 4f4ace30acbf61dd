import { BadRequestError } from './api-response.ts';

declare global {
  interface JSON {
    /** From ES2026, missing in the compiler's library: `JSON.stringify` writes this text unchanged. */
    rawJSON(text: string): unknown;
  }
}

/** A mail submitted as form fields or as MIME. */
export interface Submission {
  readonly from: string;
  readonly to: readonly string[];
  /** The recipients in `cc` and `bcc`. */
  readonly copies: readonly string[];
  readonly subject: string;
  readonly tags: readonly string[];
  readonly variables: Readonly<Record<string, unknown>>;
  readonly isTest: boolean;
  readonly template: string | undefined;
}

/** Parses a multipart or urlencoded body; throws a BadRequestError for any other. */
export async function parseForm(contentType: string, body: Buffer): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new BadRequestError('the body is no form');
  }
}

const BODIES = ['text', 'html', 'amp-html', 'template'];

/** Parses the fields of `POST /v3/{domain}/messages`; throws a BadRequestError if one is missing. */
export function readFields(form: FormData): Submission {
  const from = textsOf(form, 'from')[0];
  if (from === undefined) throw new BadRequestError('from parameter is missing');
  const to = recipientsOf(form, 'to');
  if (!BODIES.some((name) => form.get(name))) {
    throw new BadRequestError("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified");
  }
  const own = [...form].flatMap(([name, value]) =>
    name.startsWith('v:') ? [[name.slice('v:'.length), String(value)] as const] : [],
  );
  return {
    from,
    to,
    copies: ['cc', 'bcc'].flatMap((name) => textsOf(form, name).flatMap(addressesOf)),
    subject: textsOf(form, 'subject')[0] ?? '',
    tags: textsOf(form, 'o:tag'),
    variables: { ...parseVariables(textsOf(form, 'h:X-Mailgun-Variables')), ...Object.fromEntries(own) },
    isTest: isYes(form.get('o:testmode')),
    template: textsOf(form, 'template')[0],
  };
}

/** Parses `POST /v3/{domain}/messages.mime`: recipients from the form, everything else from the mail. */
export async function readMime(form: FormData): Promise<Submission> {
  const to = recipientsOf(form, 'to');
  const part = form.get('message');
  if (part === null) throw new BadRequestError('message parameter is missing');
  const headers = mimeHeaders(typeof part === 'string' ? part : await part.text());
  const from = headers.get('from')?.[0];
  if (from === undefined) throw new BadRequestError('from parameter is missing');
  return {
    from,
    to,
    copies: [],
    subject: headers.get('subject')?.[0] ?? '',
    tags: [...textsOf(form, 'o:tag'), ...(headers.get('x-mailgun-tag') ?? [])],
    variables: parseVariables(headers.get('x-mailgun-variables') ?? []),
    isTest: isYes(form.get('o:testmode')) || isYes(headers.get('x-mailgun-drop-message')?.[0] ?? null),
    template: undefined,
  };
}

function recipientsOf(form: FormData, name: string): string[] {
  const recipients = textsOf(form, name).flatMap(addressesOf);
  if (recipients.length === 0) throw new BadRequestError(`${name} parameter is missing`);
  return recipients;
}

const textsOf = (form: FormData, name: string) =>
  form.getAll(name).filter((value): value is string => typeof value === 'string' && value !== '');

/** Returns the addresses in `Ada <ada@example.org>, bob@example.org`. */
function addressesOf(list: string): string[] {
  return list
    .split(',')
    .map((each) => (/<([^<>]+)>\s*$/.exec(each)?.[1] ?? each).trim())
    .filter((address) => address.includes('@'));
}

const isYes = (value: unknown) => value === 'yes' || value === 'true';

function parseVariables(texts: readonly string[]): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const text of texts) {
    try {
      Object.assign(all, JSON.parse(text, asWritten));
    } catch {
      throw new BadRequestError('X-Mailgun-Variables is not JSON');
    }
  }
  return all;
}

/** Keeps a number as its sender wrote it: Mailgun does not round it, JavaScript rounds 64-bit ones. */
function asWritten(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value;
}

/** Returns the unfolded headers of a MIME message by lower-case name, with every value of repeated ones. */
function mimeHeaders(text: string): ReadonlyMap<string, readonly string[]> {
  const [head = ''] = text.replaceAll('\r\n', '\n').split('\n\n', 1);
  const headers = new Map<string, string[]>();
  for (const line of head.replaceAll(/\n[ \t]+/g, ' ').split('\n')) {
    const [, name, value] = /^([!-9;-~]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  return headers;
}
