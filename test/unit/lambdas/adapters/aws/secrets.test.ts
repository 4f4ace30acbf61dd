import { createCachedSecret, createKeyRing, isWithdrawn } from '../../../../../lambdas/adapters/aws/secrets.ts';

const MINUTE_MS = 60_000;
const DOWN = Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
const keysOf = (current: string) => JSON.stringify({ current });

/** A secret that is read by this reply, until it is replaced. */
function openSecret(
  reply: () => Promise<{ SecretString?: string }>,
  hold: 'never' | 'while down' | 'unless withdrawn' = 'while down',
) {
  const state = { nowMs: 0, calls: 0, reply };
  const held: unknown[] = [];
  const client = {
    send: () => {
      state.calls += 1;
      return state.reply();
    },
  } as never;
  const onHeld = (error: unknown) => held.push(error);
  const holding = { onHeld, ...(hold === 'unless withdrawn' && { endsWith: isWithdrawn }) };
  const secret = createCachedSecret(
    client,
    'arn',
    () => state.nowMs,
    'SigningKeysSecretArn',
    hold === 'never' ? undefined : holding,
  );
  return { secret, ring: createKeyRing(secret), state, held };
}

const of = (current: string) => async () => ({ SecretString: keysOf(current) });
const down = () => Promise.reject(DOWN);

describe('a signing key that was read', () => {
  test('verifies for 12 hours while it cannot be read again, and no longer', async () => {
    const { ring, state } = openSecret(of('a'));
    await ring.read();
    state.reply = down;

    for (const minutes of [5, 6, 60, 719]) {
      state.nowMs = minutes * MINUTE_MS;
      expect(await ring.read()).toEqual({ current: 'a' });
    }
    state.nowMs = 720 * MINUTE_MS;
    await expect(ring.read()).rejects.toBe(DOWN);
  });

  test('is reported at each failed reading, at most every 30 seconds', async () => {
    const { ring, state, held } = openSecret(of('a'));
    await ring.read();
    state.reply = down;

    for (const seconds of [300, 301, 329, 330, 331]) {
      state.nowMs = seconds * 1000;
      await ring.read();
    }
    expect(held).toEqual([DOWN, DOWN]);
    expect(state.calls).toBe(3);
  });

  test('verifies while the service does not reply at all', async () => {
    const { ring, state, held } = openSecret(of('a'));
    await ring.read();
    state.reply = () => new Promise(() => {});
    state.nowMs = 5 * MINUTE_MS;

    expect(await ring.read()).toEqual({ current: 'a' });
    expect(held).toEqual([expect.objectContaining({ message: 'no reply within 2000 ms' })]);
  });

  test('is replaced as soon as the service replies again', async () => {
    const { ring, state } = openSecret(of('a'));
    await ring.read();
    state.reply = down;
    state.nowMs = 5 * MINUTE_MS;
    await ring.read();
    state.reply = of('b');
    state.nowMs += 30_000;

    expect(await ring.read()).toEqual({ current: 'b' });
  });

  test.each([
    ['unset', async () => ({ SecretString: keysOf('') }), {}],
    [
      'no longer JSON',
      async () => ({ SecretString: 'key-in-the-clear' }),
      'the signing-key secret is not a JSON object',
    ],
    ['without a text', async () => ({}), 'the secret holds no text'],
  ])('counts no more once the secret is %s', async (_, reply, expected) => {
    const { ring, state } = openSecret(of('a'));
    await ring.read();
    state.reply = reply;
    state.nowMs = 5 * MINUTE_MS;

    const read = () => ring.read().catch((error: Error) => error.message);
    expect(await read()).toEqual(expected);
    state.reply = down;
    state.nowMs = 6 * MINUTE_MS;
    expect(await read()).not.toEqual({ current: 'a' });
  });

  test('is not lost to a post that no key verifies', async () => {
    const { ring, state } = openSecret(of('a'));
    await ring.read();
    state.reply = down;
    state.nowMs = MINUTE_MS;

    await expect(ring.reread()).rejects.toBe(DOWN);
    await expect(ring.reread()).rejects.toBe(DOWN);
    expect(state.calls).toBe(2);
    expect(await ring.read()).toEqual({ current: 'a' });
  });

  test('is read again for a signature that it does not verify', async () => {
    const { ring, state } = openSecret(of('a'));
    await ring.read();
    state.reply = of('b');
    state.nowMs = 29_999;
    expect(await ring.reread()).toBeUndefined();
    state.nowMs = 30_000;
    expect(await ring.reread()).toEqual({ current: 'b' });
    expect(await ring.read()).toEqual({ current: 'b' });
  });

  test('gives way to a newer one even if an older reading ends later', async () => {
    const { ring, state } = openSecret(of('a'));
    await ring.read();
    const slow = Promise.withResolvers<{ SecretString: string }>();
    state.reply = () => slow.promise;
    state.nowMs = MINUTE_MS;
    const older = ring.reread();
    state.reply = of('c');
    state.nowMs = 2 * MINUTE_MS;
    await ring.reread();
    slow.resolve({ SecretString: keysOf('b') });
    await older;

    expect(await ring.read()).toEqual({ current: 'c' });
  });
});

test.each([
  ['AccessDeniedException', true],
  ['ResourceNotFoundException', true],
  ['InvalidRequestException', true],
  ['InternalServiceError', false],
  ['ThrottlingException', false],
])('a token is held unless it was taken away: after %s it counts no more, %p', async (name, isGone) => {
  const { secret, state, held } = openSecret(of('a'), 'unless withdrawn');
  await secret.read();
  const error = Object.assign(new Error(name), { name });
  state.reply = () => Promise.reject(error);
  state.nowMs = 5 * MINUTE_MS;

  const read = () => secret.read().catch((thrown: unknown) => thrown);
  expect(await read()).toBe(isGone ? error : keysOf('a'));
  state.reply = down;
  state.nowMs += MINUTE_MS;
  expect(await read()).toBe(isGone ? DOWN : keysOf('a'));
  expect(held).toEqual(isGone ? [] : [error, DOWN]);
});

test('a secret whose failures no one reports is refused after five minutes', async () => {
  const { secret, state } = openSecret(of('a'), 'never');
  await secret.read();
  state.reply = down;

  state.nowMs = 5 * MINUTE_MS - 1;
  expect(await secret.read()).toBe(keysOf('a'));
  state.nowMs = 5 * MINUTE_MS;
  await expect(secret.read()).rejects.toBe(DOWN);
});

test('a secret that was never read is read at every attempt', async () => {
  const { secret, state, held } = openSecret(down);
  for (let nth = 0; nth < 3; nth += 1) await expect(secret.read()).rejects.toBe(DOWN);
  await expect(secret.reread()).rejects.toBe(DOWN);

  expect([state.calls, held]).toEqual([4, []]);
});

test('several callers wait for the same reading', async () => {
  const { secret, state } = openSecret(of('a'));
  expect(await Promise.all([secret.read(), secret.read()])).toEqual([keysOf('a'), keysOf('a')]);
  expect(state.calls).toBe(1);
});
