import { createHmac } from 'node:crypto';
import { createErasureKey } from '../../../../../lambdas/adapters/aws/secrets.ts';
import { identify } from '../../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../../../lambdas/domain/json.ts';
import { storedTypeOf } from '../../../../../lambdas/domain/ledger/tally.ts';
import {
  erasureHash,
  erasureHashes,
  isOf,
  namedAddresses,
  textWithoutAddress,
  tombstoneIdentity,
  tombstoneOf,
  withoutAddress,
} from '../../../../../lambdas/domain/recipients/erasure.ts';
import { mailboxProviderOf } from '../../../../../lambdas/domain/recipients/mailbox-provider.ts';
import { failureClassOf } from '../../../../../lambdas/domain/status/classify-failure.ts';
import { ERASURE_KEY } from '../../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';
import fc from '../../../../support/property.ts';
import { shareOf } from '../../../../support/share.ts';

const LONG = `${'a'.repeat(190)}@long.example.org`;

describe('the hash of a recipient', () => {
  test('is the HMAC-SHA256 of the lower-cased address under the key', () => {
    const known = createHmac('sha256', 'k').update('ada@example.org').digest('hex');
    expect(erasureHash('k', 'Ada@Example.ORG')).toBe(known);
    expect(erasureHash('another', 'ada@example.org')).not.toBe(known);
  });
});

test('a marker of an older version is found by the spelling that it was made of', () => {
  const spelled = (text: string) => createHmac('sha256', 'k').update(text).digest('hex');
  expect(erasureHashes('k', 'Ada@B\u00fccher.example')).toEqual([
    erasureHash('k', 'ada@xn--bcher-kva.example'),
    spelled('ada@b\u00fccher.example'),
  ]);
  expect(erasureHashes('k', 'Ada@Example.ORG')).toEqual([erasureHash('k', 'ada@example.org')]);
  expect(erasureHash('k', 'Ada@B\u00fccher.example')).toBe(erasureHash('k', 'ada@xn--bcher-kva.example'));
});

describe('the identity of a tombstone', () => {
  const identityOf = (recipient: string) => identify(deliveredEvent({ recipient }), DOMAIN);

  test.each([
    { name: 'ordinary', recipient: 'Ada@Example.org' },
    { name: 'over 200 bytes', recipient: LONG },
    { name: 'with the separator inside', recipient: 'a#b@example.org' },
    { name: 'with a line break', recipient: 'a\nb@example.org' },
  ])('names the recipient by the hash alone: $name', ({ recipient }) => {
    const identity = identityOf(recipient);
    const tombstone = tombstoneIdentity(identity, ERASURE_KEY);

    expect(tombstone.partition).toBe(identity.partition);
    expect(tombstone.eventSort).toBe(
      `R#erased:${erasureHash(ERASURE_KEY, recipient.toUpperCase())}#E#${identity.eventKey}`,
    );
    expect(storedTypeOf(tombstone.eventSort)).toBe('delivered');
  });

  test('is its own, so that an event and its tombstone have the same name', () => {
    const tombstone = tombstoneIdentity(identityOf('ada@example.org'), ERASURE_KEY);
    expect(tombstoneIdentity(tombstone, ERASURE_KEY)).toEqual(tombstone);
  });

  test('is the ordinary one if an event has no recipient to erase', () => {
    const identity = identify(deliveredEvent({ recipient: undefined }), DOMAIN);
    expect(tombstoneIdentity(identity, ERASURE_KEY)).toEqual(identity);
  });
});

test('a tombstone keeps what is counted, and no personal data', () => {
  const event = deliveredEvent({
    event: 'FAILED',
    severity: 'permanent',
    reason: 'bounce',
    'delivery-status': { code: 550, message: '5.2.2 The mailbox of ada@example.org is full' },
    'recipient-provider': 'Gmail',
    ip: '203.0.113.7',
    url: 'https://example.org/?to=ada@example.org',
    'user-variables': { customer: 7 },
    geolocation: { city: 'London' },
    tags: ['welcome', 7],
  });
  expect(tombstoneOf(event, DOMAIN)).toEqual({
    event: 'failed',
    id: 'Kq3vYt0ZS2aB7nWmXc9LdA',
    domain: { name: DOMAIN },
    severity: 'permanent',
    reason: 'bounce',
    'delivery-status': { code: 550 },
    'failure-class': 'mailbox-full',
    'recipient-provider': 'gmail',
    tags: ['welcome'],
  });
  expect(tombstoneOf({ event: 'opened', recipient: 'ada@example.org' }, '-')).toEqual({
    event: 'opened',
    domain: { name: '-' },
  });
});

test('a tombstone counts as its event does', () => {
  const counted = (event: JsonObject) => {
    const parsed = parseEvent(event);
    const { name, type, tags, isByMachine, isTestMode, isInbound } = parsed;
    const failureClass = failureClassOf(parsed);
    return {
      name,
      type,
      tags,
      isByMachine,
      isTestMode,
      isInbound,
      failureClass,
      provider: mailboxProviderOf(parseEvent(event)),
    };
  };
  const status = (message: string) => ({ code: 602, message });
  for (const over of [
    { event: 'failed', severity: 'temporary', reason: 'old', 'delivery-status': status('gave up') },
    { event: 'failed', severity: 'temporary', reason: 'greylisted', 'delivery-status': { message: 'Greylisted' } },
    { event: 'failed', severity: 'permanent', reason: 'suppress-bounce' },
    { event: 'rejected', reject: { reason: 'over quota' } },
    { event: 'opened', 'client-info': { bot: 'apple' } },
    { event: 'clicked', 'client-info': { bot: '' } },
    { flags: { 'is-test-mode': true } },
    { envelope: { transport: 'https' } },
    { recipient: 'ada@gmail.com', tags: ['Spring'] },
  ]) {
    const event = deliveredEvent(over);
    expect(counted(tombstoneOf(event, DOMAIN))).toEqual(counted(event));
  }
});

test.each(['Ada@example.org.', "'ada@example.org'", 'bob@example.org, ada@example.org'])(
  'a tombstone of %s keeps no tag that names the address',
  (recipient) => {
    const event = deliveredEvent({ recipient, tags: ['welcome', 'to-ada@example.org'] });
    expect(tombstoneOf(event, DOMAIN).tags).toEqual(['welcome']);
  },
);

test('a tombstone keeps no text that may be personal', () => {
  const reported = { reason: 'mail to ada@example.org', 'recipient-provider': 'mx of ada@example.org' };
  const event = deliveredEvent({ event: 'failed', severity: 'permanent', ...reported });
  expect(JSON.stringify(tombstoneOf(event, DOMAIN))).not.toContain('ada');
});

describe('an event of a recipient', () => {
  const bob = 'bob@example.org';
  test.each([
    ['the address', 'Bob@Example.ORG'],
    ['a trailing dot', 'bob@example.org.'],
    ['quotes', "'bob@example.org'"],
    ['angle brackets', '<bob@example.org>'],
    ['a display name', '"Bob, B." <bob@example.org>'],
    ['a display name in Latin letters and a second address', 'B <bob@example.org>, eve@example.org'],
    ['a list of two addresses', 'bob@example.org,eve@example.org'],
    ['a list of which it is the second', 'eve@example.org; bob@example.org.'],
    ['a scheme', 'mailto:bob@example.org'],
    ['a URL', 'https://x.example/?to=bob@example.org'],
    ['a second at sign', 'bob@example.org@relay.example'],
  ])('is erased with it where the recipient has %s', (_name, recipient) => {
    expect(isOf(recipient, bob)).toBe(true);
    expect(erasureHashes('k', recipient)).toContain(erasureHash('k', bob));
  });

  test.each([
    ...['notbob@example.org', 'not.bob@example.org', 'x+bob@example.org', "o'bob@example.org", '=bob@example.org'],
    ...['bob@example.org.uk', 'bob@example.orgs', 'bob@example.org-x', 'bob@sub.example.org', 'bob@example.org_x.net'],
    ...['"bob@example.org"@example.net', '"not bob"@example.org', 'b*b@example.org', 'bob', ''],
  ])('is not erased with it where the recipient is %s', (recipient) => {
    expect(isOf(recipient, bob)).toBe(false);
    expect(erasureHashes('k', recipient)).not.toContain(erasureHash('k', bob));
  });

  test.each(['"a b"@example.org', 'user@[127.0.0.1]', 'user@my_host.example.org', 'a@b_c'])(
    'is erased with %s, alone and in a list',
    (address) => {
      for (const recipient of [address, `X <${address}>, eve@example.org`, `${address}.`]) {
        expect([recipient, isOf(recipient, address)]).toEqual([recipient, true]);
        expect(erasureHashes('k', recipient)).toContain(erasureHash('k', address));
      }
    },
  );

  test('is found by the markers of all addresses that a sweep would erase it with, and of no others', () => {
    const addresses = [
      'bob@example.org',
      'ob@example.org',
      '"b b"@x.org',
      'b@[1.2]',
      'bob@example.org.uk',
      'M\u00fc@b_c',
    ];
    const between = ['', ' ', ',', '.', "'", '"', '<', '>', '@', '_', '*', '/', '=', '://', 'x', '\u00fc', '{', '}'];
    const part = fc.constantFrom(...addresses, ...between);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 7 }), fc.constantFrom(...addresses), (parts, address) => {
        const recipient = parts.join('');
        expect(erasureHashes('k', recipient).includes(erasureHash('k', address))).toBe(isOf(recipient, address));
        const event = deliveredEvent({ recipient, url: recipient, tags: [recipient] });
        const cleaned = withoutAddress(event, address);
        expect(withoutAddress(cleaned, address)).toBe(cleaned);
      }),
      { numRuns: shareOf(5000) },
    );
  });
});

describe('the addresses that an event names', () => {
  test.each<{ name: string; event: JsonObject; named: string[] }>([
    { name: 'its recipient', event: { event: 'opened', recipient: 'Ada@example.org' }, named: ['Ada@example.org'] },
    {
      name: 'an ordinary mail names one, in several places and cases',
      event: deliveredEvent({
        message: { headers: { to: '"Ada, L." <ada@example.org>' }, recipients: ['ADA@example.org'] },
        envelope: { targets: 'ada@example.org', sender: 'shop@mg.example.com' },
      }),
      named: ['Ada@Example.org'],
    },
    {
      name: 'a mail to many names them all',
      event: deliveredEvent({
        message: {
          headers: { to: 'Ada <ada@example.org>, bob@example.org;"C" <o\'c@example.org>' },
          recipients: ['dan@example.org', 7],
        },
        envelope: { targets: 'eve@example.org' },
        member: { address: 'fay@example.org' },
      }),
      named: ['Ada@Example.org', ...['bob', "o'c", 'eve', 'fay', 'dan'].map((name) => `${name}@example.org`)],
    },
    { name: 'none', event: { event: 'delivered' }, named: [] },
    {
      name: 'those in a recipient that is no clean address',
      event: { event: 'delivered', recipient: 'Ada <ada@example.org>, bob@example.org.' },
      named: [...['Ada <ada@example.org>, bob@example.org.', 'ada@example.org', 'bob@example.org.', 'bob@example.org']],
    },
    {
      name: 'that of a rejected mail, whose event has no recipient',
      event: { event: 'rejected', message: { headers: { to: 'ada@example.org' } } },
      named: ['ada@example.org'],
    },
  ])('$name', ({ event, named }) => {
    expect(namedAddresses(event)).toEqual(named);
  });
});

describe('removing an address from an event', () => {
  const bob = deliveredEvent({
    recipient: 'bob@example.org',
    message: { headers: { to: 'Ada <ADA@example.org>, bob@example.org' }, recipients: ['ada@example.org'] },
    'user-variables': { 'ada@example.org': { name: 'ada@example.org.' } },
  });

  test('replaces it in every text and key, in any letter case', () => {
    expect(withoutAddress(bob, 'Ada@Example.org')).toEqual({
      ...bob,
      message: { headers: { to: 'Ada <erased>, bob@example.org' }, recipients: ['erased'] },
      'user-variables': { erased: { name: 'erased.' } },
    });
  });

  test('returns the same object if the address is not in it', () => {
    expect(withoutAddress(bob, 'carol@example.org')).toBe(bob);
  });

  test('removes it from a recipient that is no text', () => {
    const event = deliveredEvent({ recipient: ['ada@example.org'] });
    expect(withoutAddress(event, 'ada@example.org')).toEqual({ ...event, recipient: ['erased'] });
  });

  test('removes an address with an unpaired surrogate, as it is stored and shown', () => {
    const [sent, shown] = ['ada\ud83d@example.org', 'ada\ufffd@example.org'];
    const event = deliveredEvent({ recipient: sent, reason: `550 ${sent}`, tags: [`to ${sent}`] });
    expect(namedAddresses(event)).toEqual([shown]);
    expect(JSON.stringify(withoutAddress(event, shown))).not.toMatch(/example\.org/);
    expect(JSON.stringify(tombstoneOf(event, DOMAIN))).not.toMatch(/example\.org/);
    expect(isOf(sent, shown)).toBe(true);
  });

  test('keeps a recipient whose address contains it', () => {
    const event = deliveredEvent({ recipient: '=ada@example.org', url: 'https://x.example/?a=ada@example.org' });
    expect(withoutAddress(event, 'ada@example.org')).toEqual({ ...event, url: 'https://x.example/?a=erased' });
  });

  test.each(['lada@example.org', 'x.ada@example.org', 'x+ada@example.org', 'ada@example.org.uk', 'ada@example.orgs'])(
    'keeps %s, another address',
    (other) => {
      expect(textWithoutAddress(`<${other}>`, 'ada@example.org')).toBe(`<${other}>`);
    },
  );

  test('takes every character of the address literally', () => {
    expect(textWithoutAddress('a+b.c(d)|e@x.org axb.c(d)|e@x.org', 'a+b.c(d)|e@x.org')).toBe('erased axb.c(d)|e@x.org');
  });
});

describe('the erasure key', () => {
  test('is read once, at first use', async () => {
    let reads = 0;
    const key = createErasureKey({
      read: async () => {
        reads += 1;
        return 'key';
      },
    });
    expect(reads).toBe(0);
    expect([await key.read(), await key.read()]).toEqual(['key', 'key']);
    expect(reads).toBe(1);
  });

  test('is read again if it could not be read', async () => {
    const readings = [new Error('down'), 'key'];
    const key = createErasureKey({
      read: async () => {
        const reading = readings.shift();
        if (reading instanceof Error) throw reading;
        return reading ?? '';
      },
    });
    await expect(key.read()).rejects.toThrow('down');
    expect(await key.read()).toBe('key');
  });

  test('is never blank, since anyone could then compute the hashes', async () => {
    await expect(createErasureKey({ read: async () => ' ' }).read()).rejects.toThrow('the erasure key is blank');
  });
});
