import { alarmDescription } from '../../../../../lambdas/domain/alarm-description.ts';
import type { AlarmFacts, AlarmStates } from '../../../../../lambdas/read-api/ports.ts';
import { createHealth } from '../../../../../lambdas/read-api/reports/health.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';

const depth = (messages: () => Promise<number>) => ({ messages });
const NO_ALARMS: AlarmStates = { read: async () => [] };
const facts = {
  ledgerName: 'mailgun-ledger-dev',
  domains: [DOMAIN],
  receivers: ['crm'],
  alarms: NO_ALARMS,
  now: () => 0,
};
const fails = async () => {
  throw new Error('no reply');
};

const TEXT = {
  happened: 'Events are in the dead-letter queue.',
  impact: 'Clients of the API miss these events.',
  explains: ['stuck'],
  runbook: 'docs/runbook.md#dead-letters',
  first: 'npm run ledger -- dlq list --env prod',
};
const description = alarmDescription({ ...TEXT, recovered: 'It is empty.' });
const alarm = (name: string, over: Partial<AlarmFacts> = {}): AlarmFacts => ({
  name,
  state: 'OK',
  sinceMs: 1_790_000_000_000,
  description,
  ...over,
});

test('health shows the depth of both queues, and alarms with those that are on first', async () => {
  const states = [
    alarm('b'),
    alarm('c', { state: 'ALARM' }),
    alarm('a', { sinceMs: undefined, description: 'by hand' }),
  ];
  const health = await createHealth({
    ...facts,
    queue: depth(async () => 7),
    deadLetters: depth(async () => 2),
    alarms: { read: async () => states },
  })();

  const since = '2026-09-21T14:13:20.000Z';
  expect(health).toEqual({
    ledger: 'mailgun-ledger-dev',
    domains: [DOMAIN],
    receivers: ['crm'],
    queue: 7,
    deadLetters: 2,
    alarms: [
      { name: 'c', state: 'ALARM', since, ...TEXT },
      {
        name: 'a',
        state: 'OK',
        since: null,
        happened: null,
        impact: null,
        explains: [],
        runbook: null,
        first: null,
      },
      { name: 'b', state: 'OK', since, ...TEXT },
    ],
  });
});

test.each([
  ['queue', { queue: null, deadLetters: 0, alarms: [] }],
  ['deadLetters', { queue: 0, deadLetters: null, alarms: [] }],
  ['alarms', { queue: 0, deadLetters: 0, alarms: null }],
])('health shows as unknown only what does not respond: %s', async (name, expected) => {
  const wells = { queue: depth(async () => 0), deadLetters: depth(async () => 0) };
  const broken = name === 'alarms' ? { alarms: { read: fails } } : { [name]: depth(fails) };

  expect(await createHealth({ ...facts, ...wells, ...broken })()).toMatchObject(expected);
});

test('health reads alarms again after 20 seconds, and at once after a failure', async () => {
  let nowMs = 0;
  let calls = 0;
  const read = async () => {
    calls += 1;
    if (calls === 1) throw new Error('throttled');
    return [alarm(`read ${calls}`)];
  };
  const wells = { queue: depth(async () => 0), deadLetters: depth(async () => 0) };
  const health = createHealth({ ...facts, ...wells, alarms: { read }, now: () => nowMs });
  const names = async () => (await health()).alarms?.map(({ name }) => name) ?? null;

  expect([await names(), await names(), await names()]).toEqual([null, ['read 2'], ['read 2']]);
  nowMs = 20_000;
  expect(await names()).toEqual(['read 3']);
});
