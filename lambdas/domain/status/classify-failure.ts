import { NO_MX_CODE } from '../events/mailgun-codes.ts';
import type { MailgunEvent } from '../events/mailgun-event.ts';
import { FAILURE_CLASSES, type FailureClass } from './failure-class.ts';

// A server's text is more exact than its code, which many servers use loosely, so
// texts come first. Codes: RFC 3463, RFC 7372 (authentication), RFC 7505 (null MX), and what large providers publish:
// support.google.com/a/answer/3726730, learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports,
// senders.yahooinc.com/smtp-error-codes.

const TEXTS: readonly (readonly [FailureClass, RegExp])[] = [
  ['authentication', /\b(spf|dkim|dmarc)\b|authentication (level|checks?|required|fail)|unauthenticated|5\.7\.515/i],
  ['greylisted', /gr[ae]y-?list/i],
  [
    'reputation',
    /block ?list|black ?list|spamhaus|barracuda|spamcop|\b[rd]n?bl\b|reputation|banned sending ip|\bS3(140|150)\b|poor sender|unusual rate of unsolicited|\[?TSS0\d/i,
  ],
  [
    'rate-limited',
    /rate limit|too many (connections|messages|recipients)|maximum number of connections|throttl|exceeded .{0,40}(rate|connections)|try again later.{0,40}volume|unexpected volume/i,
  ],
  ['mailbox-full', /over ?quota|quota exceeded|mailbox (is )?full|out of storage|insufficient (system )?storage/i],
  [
    'dns',
    /no mx\b|null mx|host (or domain name )?not found|domain (does not exist|not found)|nxdomain|unrouteable|dns (error|lookup|failure)|no route to host/i,
  ],
  [
    'unknown-user',
    /no such (user|recipient|mailbox)|(user|recipient|mailbox|address|account)\b.{0,40}\b(unknown|not found|does ?n.t exist|does not exist|unavailable|disabled|inactive|invalid|rejected)|doesn.t have an? .{0,30}account|unknown (user|recipient)|invalid (recipient|mailbox)|not a (valid|known) (user|mailbox)/i,
  ],
  [
    'content',
    /message (is )?too (large|big)|size limit|virus|malware|attachment|spam content|detected as spam|\bspam\b/i,
  ],
];

/** Enhanced status codes without the first digit (permanent or temporary); the longest match wins. */
const CODES: Readonly<Record<string, FailureClass>> = {
  '1': 'unknown-user',
  '1.2': 'dns',
  '1.10': 'dns',
  '2.1': 'unknown-user',
  '2.2': 'mailbox-full',
  '2.3': 'content',
  '3.4': 'content',
  '4.1': 'unknown-user',
  '4.4': 'dns',
  '4.7': 'too-old',
  '6': 'content',
  '7': 'policy',
  '7.20': 'authentication',
  '7.21': 'authentication',
  '7.22': 'authentication',
  '7.23': 'authentication',
  '7.24': 'authentication',
  '7.25': 'reputation',
  '7.26': 'authentication',
  '7.27': 'authentication',
  '7.28': 'rate-limited',
  '7.30': 'authentication',
  '7.32': 'authentication',
  '7.515': 'authentication',
};

/** An enhanced code that is not part of an IP address. */
const CODE_IN_TEXT = /(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)/;

/** Returns the class of a failure or rejection; null for any other event. */
export function failureClassOf(event: MailgunEvent): FailureClass | null {
  const { name, code, suppressionList, isTooOld } = event;
  if (name !== 'failed' && name !== 'rejected') return null;
  const kept = event.kept?.failureClass;
  if (kept !== undefined && Object.hasOwn(FAILURE_CLASSES, kept)) return kept as FailureClass;
  if (suppressionList !== undefined) return 'suppressed';
  if (isTooOld) return 'too-old';
  if (code === NO_MX_CODE) return 'dns';
  const text = textsOf(event);
  const byText = TEXTS.find(([, pattern]) => pattern.test(text))?.[0];
  return byText ?? classOfCode(enhancedCodeOf(event)) ?? 'other';
}

/** Returns the enhanced status code if it reports a rejection by the provider's policy. */
export function policyCodeOf(event: MailgunEvent): string | undefined {
  const code = enhancedCodeOf(event);
  return code !== undefined && /^5\.7\.\d{1,3}$/.test(code) ? code : undefined;
}

function enhancedCodeOf(event: MailgunEvent): string | undefined {
  return event.enhancedCode ?? CODE_IN_TEXT.exec(textsOf(event))?.[0];
}

function textsOf({ deliveryMessage, deliveryDescription, rejectReason }: MailgunEvent): string {
  return [deliveryMessage, deliveryDescription, rejectReason].join(' ');
}

function classOfCode(enhanced = ''): FailureClass | undefined {
  const [, subject = '', detail = ''] = /^[45]\.(\d{1,3})\.(\d{1,3})$/.exec(enhanced) ?? [];
  return CODES[`${subject}.${detail}`] ?? CODES[subject];
}
