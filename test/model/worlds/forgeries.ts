import { deliveredEvent, NOW_MS, signed } from '../../support/fixtures/webhooks.ts';
import fc from '../../support/property.ts';

/** A post with everything that a forger can vary; none of it is signed with a configured key. */
interface Forgery {
  how: string;
  bytes: Uint8Array;
}

const junk = fc.oneof(
  fc.constantFrom(undefined, null, '', ' ', true, 0, -1, 1.5, '0x1', '\u0000', [], {}, ['x'], { $ne: null }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.anything({ maxDepth: 2, withNullPrototype: false }).map((value) => toJson(value)),
);

const hex64 = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const timestamp = fc.oneof(
  fc.integer({ min: -100_000, max: 100_000 }).map((offset) => String(NOW_MS / 1000 + offset)),
  fc.constantFrom('0000000000', '9999999999', ' 1770000000', '1770000000 ', '1770000000\n', '177000000', '١٧٧٠٠٠٠٠٠٠'),
);
const token = fc.string({ minLength: 0, maxLength: 60 });
const wrongKey = fc.oneof(fc.constantFrom('', ' ', 'key-', 'undefined', 'null', 'key-wrong'), fc.string());

/** Signature blocks that no configured key signed. */
const block = fc.oneof(
  fc.tuple(timestamp, token, hex64).map(([t, k, s]) => ({ timestamp: t, token: k, signature: s })),
  fc.tuple(wrongKey, timestamp, token).map(([key, t, k]) => signed(`wrong:${key}`, { timestamp: t, token: k })),
  fc.tuple(wrongKey, hex64).map(([key, parent]) => ({ ...signed(`wrong:${key}`), 'parent-signature': parent })),
  fc
    .tuple(fc.constantFrom('timestamp', 'token', 'signature'), junk)
    .map(([field, value]) => ({ ...signed('wrong'), [field]: value })),
  fc
    .constantFrom(...['__proto__', 'constructor', 'toString'])
    .map((name) => JSON.parse(`{"${name}":${JSON.stringify(signed('wrong'))}}`)),
  junk,
);

const eventData = fc.oneof(
  fc.constant(deliveredEvent()),
  fc.tuple(fc.constantFrom(...Object.keys(deliveredEvent()), '__proto__', 'constructor'), junk).map(([field, value]) =>
    // Parsed from text: an object literal can hold neither a second `event` nor its own `__proto__`.
    JSON.parse(
      `${JSON.stringify(deliveredEvent()).slice(0, -1)},${JSON.stringify(field)}:${JSON.stringify(value ?? null)}}`,
    ),
  ),
  junk,
);

export const forgery: fc.Arbitrary<Forgery> = fc.oneof(
  fc
    .tuple(block, eventData)
    .map(([signature, event]) => ({ how: 'body', bytes: json({ signature, 'event-data': event }) })),
  fc.tuple(block, eventData, junk).map(([signature, event, extra]) => ({
    how: 'extra fields',
    bytes: json({ signature, 'event-data': event, key: extra, keys: extra, __v: extra }),
  })),
  junk.map((value) => ({ how: 'no webhook', bytes: json(value) })),
  fc.uint8Array({ maxLength: 400 }).map((bytes) => ({ how: 'bytes', bytes })),
);

const STRANGE_FIELDS = ['id', 'timestamp', 'recipient', 'message', 'severity', 'reason', 'delivery-status', 'tags'];

/** Events with a valid signature and arbitrary JSON content. */
export const strangeEvent = fc
  .tuple(fc.string({ minLength: 1 }), fc.array(fc.tuple(fc.constantFrom(...STRANGE_FIELDS), junk), { maxLength: 6 }))
  .map(([name, fields]) => {
    const event: Record<string, unknown> = { ...deliveredEvent(), event: `x${name}` };
    for (const [field, value] of fields) event[field] = value;
    return JSON.parse(JSON.stringify(event));
  });

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value) ?? '');
}

function toJson(value: unknown): unknown {
  try {
    return JSON.parse(
      JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? 'null',
    );
  } catch {
    return null;
  }
}
