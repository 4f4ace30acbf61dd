import type { PublishedEvent } from '../../../../lambdas/domain/publishing/published.ts';
import type { EventBus, Unpublished } from '../../../../lambdas/publish/ports.ts';
import { type Change, createPublish } from '../../../../lambdas/publish/publish.ts';

const NOW_MS = 1_770_000_000_000;
const HOUR_MS = 3_600_000;

/** A change that says `<subject><version>`. */
function change(name: string, ageMs = 0): Change {
  const [subject = ''] = name;
  const detail = { version: 1, id: name, ledger: 'l', subject, order: name };
  return { position: `at ${name}`, event: { detailType: 'MessageStatusChanged', detail, changedAtMs: NOW_MS - ageMs } };
}
const changes = (...names: string[]) => names.map((name) => change(name));
const idsOf = (events: readonly PublishedEvent[]) => events.map(({ detail }) => detail.id);
const FAILED: Unpublished = { kind: 'failed', reason: 'ThrottlingException' };
const REFUSED: Unpublished = { kind: 'refused', reason: 'MalformedDetail' };

/** Publishes through a bus with these results, call by call; afterwards it accepts everything. */
async function publish(
  list: readonly Change[],
  replies: ((id: string) => Unpublished | undefined | Error)[] = [],
  { keepFails = false, msPerCall = 0 } = {},
) {
  const offers: string[][] = [];
  const taken: string[] = [];
  const kept: [string, string][] = [];
  let nowMs = NOW_MS;
  const bus: EventBus = {
    async put(events) {
      const reply = replies[offers.length] ?? (() => undefined);
      offers.push(idsOf(events));
      nowMs += msPerCall;
      const outcomes = events.map(({ detail }) => reply(detail.id));
      const error = outcomes.find((outcome) => outcome instanceof Error);
      if (error) throw error;
      taken.push(...idsOf(events).filter((_, nth) => outcomes[nth] === undefined));
      return outcomes as (Unpublished | undefined)[];
    },
  };
  const run = createPublish({
    bus,
    failures: {
      async keep(event, reason) {
        if (keepFails) throw new Error('the queue is down');
        kept.push([event.detail.id, reason]);
      },
    },
    sleep: async () => {},
    now: () => nowMs,
    retryMs: 12 * HOUR_MS,
    onUnpublished: () => {},
  });
  const back = await run(list, NOW_MS + 45_000);
  return { back: back?.position, reason: back?.reason, offers, taken, kept };
}

const failing =
  (...ids: string[]) =>
  (id: string) =>
    ids.includes(id) ? FAILED : undefined;
const down = () => new Error('down');

test('changes are sent in order, ten at a time', async () => {
  const names = Array.from({ length: 25 }, (_, n) => String.fromCharCode(97 + n));
  const { offers, taken, back } = await publish(changes(...names));

  expect(offers.map(({ length }) => length)).toEqual([10, 10, 5]);
  expect(taken).toEqual(names);
  expect(back).toBeUndefined();
});

test('only entries that the bus did not accept are sent again', async () => {
  const { offers, back } = await publish(changes('a1', 'b1', 'c1'), [failing('b1')]);

  expect(offers).toEqual([['a1', 'b1', 'c1'], ['b1']]);
  expect(back).toBeUndefined();
});

test('a later event of the same subject is published again after a retry, so that the last one stays last', async () => {
  const { taken, offers } = await publish(changes('a1', 'a2', 'b1', 'a3'), [failing('a2')]);

  expect(offers[1]).toEqual(['a2', 'a3']);
  expect(taken).toEqual(['a1', 'b1', 'a3', 'a2', 'a3']);
});

test('unpublished changes are retried from the stream, with all after them', async () => {
  const list = changes(...'abcdefghijklm');
  const { back, reason, offers } = await publish(list, [failing('c', 'e'), failing('c'), failing('c')]);

  expect({ back, reason }).toEqual({ back: 'at c', reason: 'ThrottlingException' });
  expect(offers.slice(1)).toEqual([['c', 'e'], ['c']]);
});

test('a bus that is down is called once, and everything is retried', async () => {
  const { back, offers } = await publish(changes(...'abcdefghijklm'), [down]);

  expect(offers).toHaveLength(1);
  expect(back).toBe('at a');
});

describe('a failing change', () => {
  test('is sent to the failure queue at once because of its content, and delays no other', async () => {
    const { kept, taken, back } = await publish(changes('a', 'b', 'c'), [(id) => (id === 'b' ? REFUSED : undefined)]);

    expect(kept).toEqual([['b', 'MalformedDetail']]);
    expect(taken).toEqual(['a', 'c']);
    expect(back).toBeUndefined();
  });

  test('is sent to the failure queue with its payload after too long, and the first younger one is retried', async () => {
    const list = [change('a', 13 * HOUR_MS), change('b', 12 * HOUR_MS), change('c', 12 * HOUR_MS - 1), change('d')];
    const { kept, back } = await publish(list, [down]);

    expect(kept.map(([id]) => id)).toEqual(['a', 'b']);
    expect(back).toBe('at c');
  });

  test('after a long outage one invocation sends everything too old to the failure queue, without calling the bus for each ten', async () => {
    const list = Array.from({ length: 40 }, (_, n) => change(`${String.fromCharCode(97 + n)}`, 20 * HOUR_MS));
    const { kept, offers, back } = await publish(list, [down, down, down, down]);

    expect(offers).toHaveLength(1);
    expect(kept).toHaveLength(40);
    expect(back).toBeUndefined();
  });

  test('is retried if the failure queue fails too', async () => {
    const list = [change('a', 13 * HOUR_MS), change('b')];
    expect((await publish(list, [down], { keepFails: true })).back).toBe('at a');
    const refused = await publish(changes('a', 'b'), [() => REFUSED], { keepFails: true });
    expect(refused.back).toBe('at a');
  });

  test('that is old is published once the bus accepts it', async () => {
    const { kept, taken } = await publish([change('a', 20 * HOUR_MS)]);
    expect({ kept, taken }).toEqual({ kept: [], taken: ['a'] });
  });
});

test('changes that do not fit into the time of an invocation are retried', async () => {
  const names = Array.from({ length: 25 }, (_, n) => String.fromCharCode(97 + n));
  const { back, taken } = await publish(changes(...names), [], { msPerCall: 30_000 });

  expect(taken).toEqual(names.slice(0, 20));
  expect(back).toBe('at u');
});
