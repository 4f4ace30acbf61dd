import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { JsonObject } from '../domain/json.ts';
import type { ItemKey } from '../domain/keys.ts';

/**
 * Text that Mailgun's events have in common, in the order of their fields. Deflate looks back into it, which
 * brings an ordinary event under one DynamoDB write unit. Stored items name the version they were written
 * with: add a version, never change one.
 */
const DICTIONARIES: Record<number, readonly string[]> = {
  1: [
    '"mailing-list":{"address":"","list-id":"","sid":""},"reject":{"reason":"","description":""},',
    '"batch":{"id":""},"template":{"name":"","version":"","is-text":false},"primary-dkim":"","api-key-id":"",',
    '"originating-ip":"","method":"HTTP","delivered-at":,"url":"https://","ip":"","geolocation":{"city":"",',
    '"country":"US","region":"","timezone":""},"client-info":{"client-name":"Chrome","client-os":"Windows",',
    '"client-type":"browser","device-type":"desktop","user-agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) ',
    'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/ Safari/537.36","bot":""},"severity":"permanent",',
    '"severity":"temporary","reason":"suppress-bounce","reason":"generic","reason":"bounce","delivery-status":',
    '{"attempt-no":1,"bounce-type":"hard","retry-seconds":600,"certificate-verified":true,"code":550,"code":250,',
    '"description":"","enhanced-code":"","message":"OK","mx-host":"gmail-smtp-in.l.google.com",',
    '"first-delivery-attempt-seconds":,"session-seconds":0.,"tls":true,"utf8":true},"flags":{"is-authenticated":',
    'true,"is-big":false,"is-delayed-bounce":false,"is-routed":false,"is-system-test":false,"is-test-mode":false},',
    '"envelope":{"sender":"","sending-ip":"","targets":"","transport":"smtp"},"storage":{"env":"production",',
    '"key":"","region":"us-west1","url":"https://storage-us-west1.api.mailgun.net/v3/domains//messages/"},',
    '"campaigns":[],"tags":[],"user-variables":{},"log-level":"error","log-level":"warn","log-level":"info",',
    '"account":{"id":""},"domain":{"name":"mg."},"recipient-provider":"Other","recipient-domain":"gmail.com",',
    '"message":{"attachments":[],"headers":{"from":"","message-id":"","subject":"","to":""},"recipients":[],',
    '"size":},"recipient":"","timestamp":17,"event":"unsubscribed","event":"complained","event":"clicked",',
    '"event":"opened","event":"failed","event":"accepted","event":"delivered","id":"',
  ],
};
/**
 * Compresses with the item's own key, which repeats message, recipient and id, followed by the dictionary of version 1.
 * An event that refers to no key can be read under any.
 */
const KEYED_VERSION = 2;

/** Compresses an event for the item of a key; the first byte is the version. */
export function packEvent(event: JsonObject, key: ItemKey): Uint8Array {
  const packed = deflateRawSync(JSON.stringify(event), { dictionary: dictionary(KEYED_VERSION, key), level: 9 });
  return Buffer.concat([Uint8Array.of(KEYED_VERSION), packed]);
}

/** Reads what `packEvent` of this or an earlier version wrote for that key. */
export function unpackEvent(packed: Uint8Array, key: ItemKey): JsonObject {
  const text = inflateRawSync(packed.subarray(1), { dictionary: dictionary(packed[0] ?? 0, key) });
  return JSON.parse(text.toString()) as JsonObject;
}

// Built when an event is packed or unpacked, so that a function that does neither does not carry the dictionaries.
const built = new Map<number, Buffer>();

function dictionary(version: number, { pk, sk }: ItemKey): Buffer {
  if (version === KEYED_VERSION) return Buffer.concat([Buffer.from(pk + sk), shared(1)]);
  return shared(version);
}

function shared(version: number): Buffer {
  const known = built.get(version);
  if (known !== undefined) return known;
  const parts = DICTIONARIES[version];
  if (parts === undefined) throw new Error(`no event dictionary of version ${version}`);
  const found = Buffer.from(parts.join(''));
  built.set(version, found);
  return found;
}
