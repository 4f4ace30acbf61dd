import { TargetUnavailableError } from '../../../../cli/errors.ts';
import type { Slice } from '../../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';
import type { AcceptReport } from '../../../../lambdas/reconcile/replays/replay-contract.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { acceptLine } from '../../../support/cli/json-lines/accept.ts';
import { sliceItem, tableOfItems } from '../../../support/doubles/stub-table.ts';

const START = Date.parse('2026-11-22T08:00:00Z') / 1000;
const END = START + 900;
const NOW_MS = (END + 7200) * 1000;

function sliceWith(counts: Partial<Slice>): Slice {
  const pass = { startedAtMs: NOW_MS, nowMs: NOW_MS, unlisted: false, isOld: false };
  const bounds = { domain: 'mg.example.com', start: START, end: END };
  return { ...slicePassed(bounds, undefined, emptyTally(), pass), ...counts };
}

const TROUBLED = sliceWith({ missing: { delivered: 2 }, stuck: 1, short: 1, unconfirmed: { opened: 3 } });
const ACCEPTED: AcceptReport = { state: 'accepted', slice: { start: START, end: END }, accepted: 6 };

interface Case {
  slice?: Slice;
  reply?: unknown;
  flags?: string[];
  time?: string;
  said?: string;
}

async function accept({
  slice = TROUBLED,
  reply = ACCEPTED,
  flags = ['--yes'],
  time = '2026-11-22T08:14:59Z',
  said,
}: Case) {
  const calls: unknown[] = [];
  const deployment = stubDeployment({
    clients: tableOfItems([sliceItem(slice)]),
    output: outputOfItsKey,
    invoke: async (name, event) => {
      calls.push([name, event]);
      if (reply instanceof Error) throw reply;
      return reply;
    },
  });
  const args = ['accept', time, '--local', '--domain', 'mg.example.com', '--reason', ' an outage ', ...flags];
  const result = await runCommand(args, {
    openDeployment: async () => deployment,
    now: () => NOW_MS,
    ask: async () => said,
  });
  return { ...result, calls };
}

const REQUEST = { domain: 'mg.example.com', atEpochSeconds: END - 1, reason: 'an outage' };

test('accept shows the slice, accepts it and prints what was accepted', async () => {
  const { exitCode, lines, calls } = await accept({});
  expect(exitCode).toBe(0);
  expect(calls).toEqual([['reconcile', { accept: REQUEST }]]);
  expect(lines).toEqual([
    'mg.example.com  2026-11-22T08:00:00Z to 2026-11-22T08:15:00Z  open, as of 2026-11-22T10:15:00.000Z',
    '  missing       2, of which 1 stuck',
    '  altered       0',
    '  short         1',
    '  unconfirmed   3, which Mailgun may still list',
    '  accepted      0',
    'Accepted: 6 events of mg.example.com, 2026-11-22T08:00:00Z to 2026-11-22T08:15:00Z, reason: an outage',
  ]);
});

test('accept takes a yes at the terminal for --yes', async () => {
  expect(await accept({ flags: [], said: 'y' })).toMatchObject({ exitCode: 0, calls: [expect.anything()] });
});

test.each<[string, Case, number]>([
  ['--plan', { flags: ['--plan'] }, 0],
  ['a no', { flags: [], said: 'n' }, 2],
  ['no terminal', { flags: [] }, 2],
  ['nothing to accept', { slice: sliceWith({ accepted: 4 }) }, 0],
  ['a time that no slice holds', { time: '2026-11-22T08:15:00Z' }, 1],
  ['this moment', { time: '2026-11-22T10:15:00Z' }, 1],
  ['a time that has not come yet', { time: '2026-11-22T10:15:01Z' }, 2],
  ['a time of another spelling', { time: 'yesterday' }, 2],
  ['a domain of another account', { flags: ['--yes', '--domain', 'x.example'] }, 2],
  ['an empty reason', { flags: ['--yes', '--reason', ' '] }, 2],
])('accept changes nothing for %s', async (_name, given, exitCode) => {
  expect(await accept(given)).toMatchObject({ exitCode, calls: [] });
});

test.each<[string, Partial<Slice>, number]>([
  ['missing', { missing: { delivered: 2 } }, 2],
  ['altered', { altered: { delivered: 1, opened: 2 } }, 3],
  ['short', { short: 4 }, 4],
  ['unconfirmed', { unconfirmed: { clicked: 5 } }, 5],
])('accept closes a slice whose only fault is %s', async (_name, counts, events) => {
  const { json } = await accept({ slice: sliceWith(counts), flags: ['--plan', '--json'] });
  expect(json().at(-1)).toEqual({ event: 'plan', events });
});

test('accept prints when and why a slice was accepted before', async () => {
  const acceptance = { reason: 'known\u001b[2J', at: NOW_MS, names: ['a'] };
  const { lines } = await accept({ slice: sliceWith({ accepted: 1, acceptance }) });
  expect(lines).toContain('  accepted      1, at 2026-11-22T10:15:00.000Z, reason: known [2J');
  expect(lines.at(-1)).toMatch(/^There is nothing to accept/);
});

test.each<[AcceptReport['state'], RegExp, RegExp]>([
  ['unknown-slice', /has no slice at that time/, /replay/],
  ['too-many', /more events .* than a slice can name/, /redrive/],
  ['paused', /time was up/, /same command again: it compares the slice from the start/],
  ['busy', /another run/, /same command again/],
  ['failed', /listing is unauthorized$/, /runbook/],
  ['off', /no Mailgun API key/, /keys set --api-key/],
  ['unknown-domain', /does not know the domain/, /Deploy/],
])('accept exits with 1 and the next step for %s', async (state, why, whatToDo) => {
  const reply = { state, accepted: 0, ...(state === 'failed' && { reason: 'unauthorized' }) };
  const { exitCode, json } = await accept({ reply, flags: ['--yes', '--json'] });
  expect(exitCode).toBe(1);
  expect(
    json()
      .map((line) => acceptLine.parse(line))
      .at(-1),
  ).toEqual({
    event: 'not-accepted',
    state,
    why: expect.stringMatching(why),
    whatToDo: expect.stringMatching(whatToDo),
  });
});

test('accept names the command that shows whether it succeeded if the reply is lost', async () => {
  const { exitCode, errors } = await accept({ reply: new TargetUnavailableError('reconcile cannot be run: timeout') });
  expect({ exitCode, errors }).toEqual({ exitCode: 1, errors: [expect.stringMatching(/timeout; .*--plan/)] });
});

test('accept fails if a function of an earlier version runs as scheduled instead', async () => {
  const { exitCode, errors } = await accept({ reply: { slices: 1, missing: 0 } });
  expect({ exitCode, errors }).toEqual({ exitCode: 1, errors: [expect.stringMatching(/deploy this version/)] });
});

test('every accept --json line matches its schema', async () => {
  const linesOfRun = async (given: Case) =>
    (await accept({ ...given, flags: [...(given.flags ?? ['--yes']), '--json'] }))
      .json()
      .map((line) => acceptLine.parse(line).event);
  expect(await linesOfRun({})).toEqual(['slice', 'accepted']);
  expect(await linesOfRun({ flags: ['--plan'] })).toEqual(['slice', 'plan']);
  expect(await linesOfRun({ slice: sliceWith({}) })).toEqual(['slice', 'nothing-to-accept']);
});
