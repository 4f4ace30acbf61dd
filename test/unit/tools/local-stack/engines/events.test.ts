import { partialBatch } from '../../../../../tools/local-stack/aws/partial-batch.ts';
import { request } from '../../../../../tools/local-stack/engines/engine.ts';
import { createEvents } from '../../../../../tools/local-stack/engines/events.ts';

const NOW_MS = 1_770_000_000_000;
const entry = (over: object = {}) => ({
  EventBusName: 'mail',
  Source: 's',
  DetailType: 't',
  Detail: '{"n":1}',
  ...over,
});
const put = (engine: ReturnType<typeof createEvents>, Entries: unknown) =>
  request<{ FailedEntryCount: number; Entries: { EventId?: string; ErrorCode?: string }[] }>(engine, 'PutEvents', {
    Entries,
  });

describe('a bus', () => {
  test('accepts events, lists them and delivers them', async () => {
    const engine = createEvents(() => NOW_MS);
    const announced: unknown[] = [];
    engine.onPublished((event) => announced.push(event));
    const { FailedEntryCount, Entries } = await put(engine, [entry(), entry({ EventBusName: undefined })]);

    expect(FailedEntryCount).toBe(0);
    const common = { time: '2026-02-02T02:40:00.000Z', source: 's', detailType: 't', detail: { n: 1 } };
    expect(engine.published()).toEqual([
      { id: Entries[0]?.EventId, bus: 'mail', ...common },
      { id: Entries[1]?.EventId, bus: 'default', ...common },
    ]);
    expect(announced).toEqual(engine.published());
  });

  test.each([
    { over: { Detail: 'no JSON' }, code: 'MalformedDetail' },
    { over: { Detail: '[1]' }, code: 'MalformedDetail' },
    { over: { Source: '' }, code: 'InvalidArgument' },
    { over: { DetailType: undefined }, code: 'InvalidArgument' },
  ])('refuses an entry for what it holds, and takes its neighbours: $over', async ({ over, code }) => {
    const engine = createEvents();
    const { FailedEntryCount, Entries } = await put(engine, [entry(), entry(over), entry()]);

    expect(FailedEntryCount).toBe(1);
    expect(Entries.map(({ ErrorCode }) => ErrorCode)).toEqual([undefined, code, undefined]);
    expect(engine.published()).toHaveLength(2);
  });

  test.each([
    { name: 'no entries', entries: [] },
    { name: 'eleven entries', entries: Array.from({ length: 11 }, () => entry()) },
    { name: 'too much', entries: [entry({ Detail: JSON.stringify({ text: 'x'.repeat(262_144) }) })] },
  ])('refuses a call with $name', async ({ entries }) => {
    await expect(put(createEvents(), entries)).rejects.toThrow('ValidationException');
  });
});

test('a partial failure accepts every other entry, so that one overtakes the one before it', async () => {
  const engine = createEvents();
  const Entries = [1, 2, 3].map((n) => entry({ Detail: JSON.stringify({ n }) }));
  const body = Buffer.from(JSON.stringify({ Entries }));
  const reply = await partialBatch('PutEvents', body, (part) => engine.call('PutEvents', part));
  const output = JSON.parse(String(reply?.body));

  expect(engine.published().map(({ detail }) => detail)).toEqual([{ n: 2 }]);
  expect(output).toMatchObject({
    FailedEntryCount: 2,
    Entries: [{ ErrorCode: 'InternalFailure' }, { EventId: expect.any(String) }, { ErrorCode: 'InternalFailure' }],
  });
});
