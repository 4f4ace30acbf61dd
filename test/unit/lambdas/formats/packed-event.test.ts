import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { packEvent, unpackEvent } from '../../../../lambdas/formats/packed-event.ts';
import { NO_KEY } from '../../../support/fixtures/seed.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';

const KEY = { pk: 'MSG#1', sk: 'R#ada@example.org#E#delivered#1' };

test.each([
  ['ordinary', deliveredEvent()],
  ['unicode and broken surrogates', { recipient: '🦄\ud800\u0000' }],
  ['__proto__', JSON.parse('{"__proto__":{"a":1}}')],
  ['empty', {}],
])('a packed event is unpacked unchanged: %s', (_name, event) => {
  expect(JSON.stringify(unpackEvent(packEvent(event, KEY), KEY))).toBe(JSON.stringify(event));
});

test('a packed event does not repeat the key of its item', () => {
  const { partition, eventSort } = identify(deliveredEvent(), DOMAIN);
  const said = packEvent(deliveredEvent(), { pk: partition, sk: eventSort });
  expect(said.length).toBeLessThan(packEvent(deliveredEvent(), NO_KEY).length - partition.length / 2);
});

test('packed events of version 1 are still read', () => {
  // Written by the first release; it must stay readable as long as events are kept.
  expect(unpackEvent(Buffer.from(WRITTEN_BY_VERSION_1, 'base64'), KEY)).toEqual(deliveredEvent());
});

test('an unknown version of packed events is an error that names it', () => {
  expect(() => unpackEvent(Uint8Array.of(9, 1, 2), KEY)).toThrow('no event dictionary of version 9');
});

const WRITTEN_BY_VERSION_1 =
  'AavGLeVdaFwWWWIQFWyU6GSeF54bkWzpk+KI7h0zSzAw0DM0MjYxNUP1u2NKooNrRWJuQU6qXn5RuhL22E2FqgDFVS1KZCHFDUqMGBkYmRkYgaCxpamBnqGeo5Ozi6ubA7phtVgLUaRSDqUEq4UndKXy1JxkUMWFNcXXAgA=';
