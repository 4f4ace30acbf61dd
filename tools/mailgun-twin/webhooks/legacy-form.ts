import type { EventData, Mail } from '../traffic/event-parts.ts';
import type { WebhookSignature } from './signature.ts';

/** Encoding of a webhook before 2018: urlencoded, or multipart with an attachment. */
export type LegacyEncoding = 'urlencoded' | 'multipart';

/** Returns the form of a legacy webhook; its only time is that of the signature, and it has no event id. */
export function legacyForm(encoding: LegacyEncoding, event: EventData, mail: Mail, signature: WebhookSignature) {
  const fields: [string, string][] = [
    ['event', event.event],
    ['recipient', event.recipient],
    ['domain', mail.domain],
    [
      'message-headers',
      JSON.stringify([
        ['From', mail.from],
        ['To', mail.to.join(', ')],
        ['Subject', mail.subject],
      ]),
    ],
    ['Message-Id', `<${mail.messageId}>`],
    ...mail.tags.map((tag): [string, string] => ['tag', tag]),
    // The sender's variables share the namespace: the first `event` counts, and the last of the three signed fields.
    ['event', 'summer-party'],
    ['timestamp', 'yesterday'],
    ['token', 'for the cloakroom'],
    ['signature', 'Kind regards, the team'],
    ['timestamp', signature.timestamp],
    ['token', signature.token],
    ['signature', signature.signature],
  ];
  if (encoding === 'urlencoded') return new URLSearchParams(fields);

  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append('attachment-1', new Blob(['Return-Path: <>\r\n\r\nThis is a report.\r\n']), 'report.eml');
  return form;
}
