import { createHmac, randomBytes } from 'node:crypto';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { headerId, shownSecret, signWebhook } from '../../../../../lambdas/domain/publishing/standard-webhook.ts';

const SECRET = randomBytes(32).toString('base64');
const OTHER = randomBytes(24).toString('base64');
const BODY = '{"type":"receiver.test","data":{"text":"\\u00fc"}}';
const now = () => Math.floor(Date.now() / 1000);

const LIBRARIES = [
  { name: 'standardwebhooks', open: (secret: string) => new StandardWebhook(secret) },
  { name: 'svix', open: (secret: string) => new SvixWebhook(secret) },
];

describe.each(LIBRARIES)('$name', ({ open }) => {
  test.each([
    { holds: 'the one secret that signs', secrets: [SECRET] },
    { holds: 'the first of two that sign', secrets: [SECRET, OTHER] },
    { holds: 'the second of two that sign', secrets: [OTHER, SECRET] },
  ])('verifies a delivery for a receiver with $holds', ({ secrets }) => {
    const headers = signWebhook('evt#1', now(), BODY, secrets);

    expect(() => open(shownSecret(SECRET)).verify(BODY, { ...headers })).not.toThrow();
  });

  test('refuses another body, another id and another secret', () => {
    const headers = { ...signWebhook('evt#1', now(), BODY, [SECRET]) };
    const receiver = open(shownSecret(SECRET));

    expect(() => receiver.verify(`${BODY} `, headers)).toThrow();
    expect(() => receiver.verify(BODY, { ...headers, 'webhook-id': 'evt#2' })).toThrow();
    expect(() => open(shownSecret(OTHER)).verify(BODY, headers)).toThrow();
  });

  test('verifies an id that no header could carry as it is', () => {
    const headers = signWebhook('größe.😀\n\ud800', now(), BODY, [SECRET]);

    expect(headers['webhook-id']).toMatch(/^[\x21-\x7e]+$/);
    expect(() => open(shownSecret(SECRET)).verify(BODY, { ...headers })).not.toThrow();
  });
});

test('signs with the example of the specification', () => {
  // https://github.com/standard-webhooks/standard-webhooks, spec, "Symmetric": the vector of every reference library.
  const { 'webhook-signature': signature } = signWebhook(
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1614265330,
    '{"test": 2432232314}',
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  );

  expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('signatures of several secrets are separated by a space', () => {
  const at = now();
  const { 'webhook-signature': signature } = signWebhook('a', at, BODY, [SECRET, OTHER]);
  const of = (secret: string) =>
    `v1,${createHmac('sha256', Buffer.from(secret, 'base64')).update(`a.${at}.${BODY}`).digest('base64')}`;

  expect(signature).toBe(`${of(SECRET)} ${of(OTHER)}`);
});

test('an ordinary webhook-id is unchanged, and a dot in it cannot be read as a separator', () => {
  expect(headerId('syBo6NQY6Im_ho4ahVMIJf#complained#67Wg9Gqj4B2')).toBe(
    'syBo6NQY6Im_ho4ahVMIJf#complained#67Wg9Gqj4B2',
  );
  expect(headerId('a.1')).toBe('a%2E1');
});
