import type { LogEntry } from '../../../../cli/target/types.ts';
import { MESSAGES } from '../../../../lambdas/contract.ts';
import { dayPartition } from '../../../../lambdas/domain/events/day-index.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import { eventSort, messagePartition, statusSort } from '../../../../lambdas/domain/keys.ts';
import type { Slice } from '../../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';
import { type NamedFacts, namedFacts } from '../../../../lambdas/domain/status/deciding-facts.ts';
import { packEvent } from '../../../../lambdas/formats/packed-event.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { unconfirmedLine } from '../../../support/cli/json-lines/unconfirmed.ts';
import { doubtItem, sliceItem, tableOfItems } from '../../../support/doubles/stub-table.ts';
import { NO_KEY } from '../../../support/fixtures/seed.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const DAY = 86_400;
const TIMES = { everySeconds: 900, settleSeconds: 1800, sliceSeconds: 900, retentionSeconds: 2 * DAY };
const DOMAIN = 'mg.example.com';
const RUN = 'npm run ledger --';
const HERE = '--local --port 4010';

/** A slice that ended this number of seconds ago, and was passed twice. */
function slice(agoSeconds: number, counts: Partial<Slice> = {}, domain = DOMAIN): Slice {
  const end = NOW_MS / 1000 - agoSeconds;
  const pass = { startedAtMs: NOW_MS, nowMs: NOW_MS, unlisted: false, isOld: true };
  return { ...slicePassed({ domain, start: end - 900, end }, undefined, emptyTally(), pass), ...counts };
}

/** An event of the first second of a slice. */
function event(of: Slice, id: string, over: object = {}) {
  const at = of.start * 1000;
  const data = { event: 'delivered', recipient: 'ada@example.org', id };
  return {
    pk: messagePartition(`${id}@x.example`),
    sk: eventSort('ada@example.org', `delivered#${id}`),
    dayKey: dayPartition(of.domain, at, data),
    at,
    source: 'webhook',
    receivedAt: at + 1000,
    raw: packEvent(data, NO_KEY),
    ...over,
  };
}

let logged: readonly LogEntry[] = [];
beforeEach(() => {
  logged = [];
});

async function unconfirmed(items: object[], ...flags: string[]) {
  const deployment = stubDeployment({
    logs: async (source, sinceMs, filter) => {
      expect({ source, filter }).toEqual({ source: 'reconcile', filter: { message: MESSAGES.altered } });
      return logged.filter(({ atMs }) => atMs >= sinceMs);
    },
    clients: tableOfItems(items as Record<string, unknown>[]),
    output: (key) => (key === 'LedgerTimes' ? JSON.stringify(TIMES) : outputOfItsKey(key)),
  });
  const over = { openDeployment: async () => deployment, now: () => NOW_MS };
  const result = await runCommand(['unconfirmed', '--local', ...flags], over);
  return { ...result, parsed: () => result.json().map((line) => unconfirmedLine.parse(line)) };
}

const marked = { unconfirmedSince: NOW_MS - 5000 };
const counted = { unconfirmed: { delivered: 1 } };

test('unconfirmed lists only marked events, also those without a domain', async () => {
  const one = slice(DAY + 1800, counted);
  const none = slice(DAY + 2700, counted, '-');
  const items = [sliceItem(one), sliceItem(none), event(one, 'a', marked), event(one, 'b'), event(none, 'c', marked)];
  const { exitCode, parsed } = await unconfirmed(items, '--json');
  expect(exitCode).toBe(0);
  expect(parsed()).toEqual([
    {
      event: 'unconfirmed',
      domain: DOMAIN,
      messageId: 'a@x.example',
      recipient: 'ada@example.org',
      type: 'delivered',
      at: '2026-11-21T11:15:00.000Z',
      receivedAt: '2026-11-21T11:15:01.000Z',
      unconfirmedSince: '2026-11-22T11:59:55.000Z',
      decides: null,
      suppresses: [],
      fix: null,
    },
    {
      event: 'slice',
      domain: DOMAIN,
      start: '2026-11-21T11:15:00Z',
      end: '2026-11-21T11:30:00Z',
      events: 1,
      compare: `${RUN} replay --from 2026-11-21T11:15:00Z --to 2026-11-21T11:30:00Z --domain ${DOMAIN} ${HERE}`,
      accept: `${RUN} accept 2026-11-21T11:15:00Z --domain ${DOMAIN} --reason "<why>" ${HERE}`,
    },
    expect.objectContaining({ event: 'unconfirmed', domain: '-', messageId: 'c@x.example' }),
    expect.objectContaining({ event: 'slice', domain: '-', compare: null }),
    {
      event: 'searched',
      domains: [DOMAIN, '-'],
      // Two days, the second pass after one more, and the settle time.
      since: '2026-11-19T11:30:00Z',
      slices: 2,
      found: 2,
      undecided: 0,
      altered: 0,
    },
  ]);
});

test('unconfirmed prints two lines for each event with what it changed, and no control characters', async () => {
  const one = slice(DAY + 1800, counted);
  const raw = packEvent({ event: 'delivered', recipient: 'ada\u001b[2J@example.org', id: 'a' }, NO_KEY);
  const { lines } = await unconfirmed([sliceItem(one), event(one, 'a', { ...marked, raw })]);
  expect(lines).toEqual([
    `${DOMAIN}  delivered at 2026-11-21T11:15:00.000Z, received 2026-11-21T11:15:01.000Z  ada [2J@example.org  a@x.example`,
    '  changes nothing',
    `${DOMAIN}  2026-11-21T11:15:00Z to 2026-11-21T11:30:00Z: 1 event unconfirmed`,
    expect.stringContaining(`listing once more: ${RUN} replay --from`),
    expect.stringContaining(`${RUN} accept 2026-11-21T11:15:00Z`),
    `1 event unconfirmed: searched 1 slice of ${DOMAIN} and events that name no domain since 2026-11-19T11:30:00Z.`,
  ]);
});

test('unconfirmed prints the distrust command for an event that decides the status, with its id quoted', async () => {
  const one = slice(DAY + 1800, counted);
  const event = forged(one, 'a b`c');
  const { parsed } = await unconfirmed([sliceItem(one), ...event], '--json');
  const command = `${RUN} distrust ${HERE} 'a b\`c@x.example' ada@example.org`;
  expect(parsed()[0]).toMatchObject({ decides: 'DELIVERED', fix: command });

  const hidden = await unconfirmed([sliceItem(one), ...forged(one, 'a\u202eb')], '--json');
  expect(hidden.parsed()[0]).toMatchObject({ decides: 'DELIVERED', fix: null });
});

/** A marked event and the status that it decides. */
function forged(of: Slice, id: string) {
  const sk = statusSort('ada@example.org');
  const status = { recipient: 'ada@example.org', status: 'DELIVERED', reason: null, statusAt: of.start * 1000 };
  const item = event(of, id, marked);
  return [item, { pk: item.pk, sk, ...status, decidedBy: `delivered#${id}` }];
}

test('unconfirmed lists an erased event by its keys', async () => {
  const one = slice(DAY + 1800, counted);
  const { parsed } = await unconfirmed([sliceItem(one), event(one, 'a', { ...marked, raw: undefined })], '--json');
  expect(parsed()[0]).toMatchObject({ messageId: 'a@x.example', recipient: 'ada@example.org', type: 'delivered' });
});

test('unconfirmed reads more events than fit into one call', async () => {
  const one = slice(DAY + 1800, counted);
  const events = Array.from({ length: 250 }, (_, i) => event(one, `e${i}`, i === 249 ? marked : {}));
  const { parsed } = await unconfirmed([sliceItem(one), ...events], '--json');
  expect(parsed()).toEqual([
    expect.objectContaining({ messageId: 'e249@x.example' }),
    expect.objectContaining({ event: 'slice', events: 1 }),
    expect.objectContaining({ found: 1 }),
  ]);
});

test('unconfirmed --since and --domain narrow the search', async () => {
  const [early, late] = [slice(3 * DAY, counted), slice(DAY + 1800, counted)];
  const other = slice(DAY + 1800, counted, '-');
  const items = [early, late, other].flatMap((each, i) => [sliceItem(each), event(each, `e${i}`, marked)]);
  const ids = async (...flags: string[]) =>
    (await unconfirmed(items, '--json', ...flags))
      .parsed()
      .flatMap((line) => ('messageId' in line ? [line.messageId] : []));
  expect(await ids()).toEqual(['e0@x.example', 'e1@x.example', 'e2@x.example']);
  expect(await ids('--since', '2d')).toEqual(['e1@x.example', 'e2@x.example']);
  expect(await ids('--domain', '-')).toEqual(['e2@x.example']);
  expect(await unconfirmed(items, '--domain', 'x.example')).toMatchObject({ exitCode: 2, lines: [] });
});

test('unconfirmed counts an event in the slice of its time, within the requested range', async () => {
  const [one, next] = [slice(DAY + 1800, counted), slice(DAY + 900, counted)];
  const items = [sliceItem(one), sliceItem(next), event(one, 'early', marked), event(next, 'first', marked)];
  const since = (of: Slice, seconds: number) => unconfirmed(items, '--json', '--since', String(of.start + seconds));
  const [all, inside, after] = [await since(one, 0), await since(one, 1), await since(next, 0)];

  const named = ['early@x.example', 'first@x.example'].map((messageId) => expect.objectContaining({ messageId }));
  const linesOfRun = ({ parsed }: typeof all) => parsed().filter((line) => line.event !== 'slice');
  expect(linesOfRun(all)).toEqual([...named, expect.objectContaining({ slices: 2, found: 2 })]);
  expect(linesOfRun(inside)).toEqual([named[1], expect.objectContaining({ slices: 2, found: 1 })]);
  expect(linesOfRun(after)).toEqual([named[1], expect.objectContaining({ slices: 1, found: 1 })]);
});

test('unconfirmed prints what it searched if it finds nothing, and when unlisted events are decided', async () => {
  const undecided = slice(3600, { unconfirmed: { complained: 3 }, finalAt: null });
  // A marker alone, as a pass that was cut leaves it, makes nothing unconfirmed.
  const items = [sliceItem(undecided), doubtItem(undecided)];
  const { exitCode, lines } = await unconfirmed(items);
  expect({ exitCode, lines }).toEqual({
    exitCode: 0,
    lines: [
      // The second pass is after half of the two days that Mailgun keeps.
      `${DOMAIN}  2026-11-22T10:45:00Z to 2026-11-22T11:00:00Z: 3 complained not listed so far; the second pass decides at 2026-11-23T11:00:00Z or soon after`,
      `No event is unconfirmed: searched 1 slice of ${DOMAIN} and events that name no domain since 2026-11-19T11:30:00Z.`,
      '3 events not listed so far.',
    ],
  });
  const { parsed } = await unconfirmed(items, '--json');
  const [line, sums] = parsed();
  expect(line).toMatchObject({ event: 'undecided', types: { complained: 3 }, decidedAt: '2026-11-23T11:00:00Z' });
  expect(sums).toMatchObject({ found: 0, undecided: 3, altered: 0 });
});

test('unconfirmed counts altered events, as the alarm does', async () => {
  const altered = slice(3600, { altered: { failed: 1 }, finalAt: null });
  const accept = `${RUN} accept 2026-11-22T10:45:00Z --domain ${DOMAIN} --reason "<why>" ${HERE}`;
  const { lines } = await unconfirmed([sliceItem(altered), doubtItem(altered)]);
  expect([lines[0], lines.at(-1)]).toEqual([
    `${DOMAIN}  2026-11-22T10:45:00Z to 2026-11-22T11:00:00Z: 1 failed stored otherwise than Mailgun lists, and put right from its listing; if not: ${accept}`,
    `1 event stored otherwise than Mailgun lists: others may use captured signatures, so replace the key (runbook, token-reused): ${RUN} keys rotate --plan ${HERE}`,
  ]);
});

const AT_MS = NOW_MS - 3_600_000;
const bounce = { event: 'failed', recipient: 'ada@example.org', id: 'a', severity: 'permanent', reason: 'bounce' };
const DEFERRED = namedFacts(parseEvent({ ...bounce, severity: 'temporary' }), AT_MS);

/** A line by which reconcile says that an event is altered. */
const alteredEntry = (over: object = {}, stored: NamedFacts = namedFacts(parseEvent(bounce), AT_MS)): LogEntry => ({
  atMs: NOW_MS - 60_000,
  facts: {
    domain: DOMAIN,
    messageId: 'a@x.example',
    eventKey: 'failed#a',
    ...over,
    stored: JSON.stringify(stored),
    listed: JSON.stringify(DEFERRED),
  },
});

test.each([
  ['altered still', bounce, false],
  ['put right', { ...bounce, severity: 'temporary' }, true],
])('unconfirmed names each altered event once, with the difference, also if it is %s', async (_, data, isPutRight) => {
  const one = slice(3600);
  const at = { dayKey: dayPartition(DOMAIN, AT_MS, data), at: AT_MS, raw: packEvent(data, NO_KEY) };
  const items = [{ ...event(one, 'a', at), sk: eventSort('ada@example.org', 'failed#a') }];
  const again = { ...DEFERRED, status: 'DELIVERED' };
  logged = [alteredEntry({}, again), alteredEntry(), alteredEntry({ domain: 'other.example.com' })];
  const { parsed } = await unconfirmed(items, '--json');
  expect(parsed().slice(0, -1)).toEqual([
    {
      event: 'altered-event',
      domain: DOMAIN,
      messageId: 'a@x.example',
      recipient: 'ada@example.org',
      eventKey: 'failed#a',
      wasDistrusted: false,
      differs: expect.arrayContaining([
        { fact: 'status', stored: 'FAILED', listed: 'DEFERRED' },
        { fact: 'reason', stored: 'bounce', listed: null },
        { fact: 'suppression', stored: 'bounce', listed: null },
      ]),
      isPutRight,
      why: `${RUN} why ${HERE} a@x.example ada@example.org`,
    },
  ]);
  const { lines } = await unconfirmed(items);
  expect(lines.slice(0, 2)).toEqual([
    expect.stringContaining(
      'failed  ada@example.org  a@x.example  altered: status FAILED, at Mailgun DEFERRED; reason bounce',
    ),
    expect.stringMatching(isPutRight ? /^ {2}put right by now; .+ why / : /^ {2}not put right yet; .+ why /),
  ]);
});

test.each([
  ['corrected', {}, 'put right by now'],
  ['not corrected yet', { distrustedAt: AT_MS }, 'not put right yet'],
])('unconfirmed suspects no key where Mailgun lists a distrusted event, which is %s', async (_, mark, standing) => {
  const one = slice(3600, Object.keys(mark).length === 0 ? {} : { altered: { failed: 1 } });
  const data = { ...bounce, severity: 'temporary' };
  const at = { dayKey: dayPartition(DOMAIN, AT_MS, data), at: AT_MS, raw: packEvent(data, NO_KEY), ...mark };
  const items = [{ ...event(one, 'a', at), sk: eventSort('ada@example.org', 'failed#a') }];
  logged = [alteredEntry({ wasDistrusted: true }, { ...DEFERRED, status: null, reason: null })];
  const { lines } = await unconfirmed([...items, sliceItem(one), doubtItem(one)]);
  const text = lines.join('\n');
  expect(text).toContain('a@x.example  distrusted, then listed by Mailgun, so it counts again');
  expect(text).toContain(`  ${standing}`);
  expect(text).not.toContain('replace the key');
});

test.each([
  ['another altered event is in no log', { failed: 2 }, [{ wasDistrusted: true }]],
  ['another one is altered', { failed: 2 }, [{ wasDistrusted: true }, { eventKey: 'failed#b' }]],
  [
    'more are in the log than count',
    { failed: 1 },
    [{ wasDistrusted: true }, { wasDistrusted: true, eventKey: 'failed#b' }],
  ],
  ['it was altered since', { failed: 1 }, [{ wasDistrusted: true }, {}]],
])('unconfirmed suspects the key although Mailgun lists a distrusted event, where %s', async (_, altered, entries) => {
  const one = slice(3600, { altered });
  logged = entries.map((entry) => alteredEntry(entry));
  const { lines } = await unconfirmed([sliceItem(one), doubtItem(one)]);
  expect(lines.at(-1)).toContain('replace the key');
  expect(lines.at(-1)).toMatch(/^\d event/);
});

test('unconfirmed names an altered event that has left the table, and reports an unreadable log', async () => {
  logged = [alteredEntry(), alteredEntry({ messageId: undefined, eventKey: 'failed#b' })];
  const { parsed } = await unconfirmed([], '--json');
  expect(parsed().slice(0, -1)).toMatchObject([
    { recipient: null, isPutRight: false, why: `${RUN} why ${HERE} a@x.example` },
    { messageId: null, recipient: null, why: null },
  ]);

  const { lines, errors } = await runCommand(['unconfirmed', '--local'], {
    openDeployment: async () =>
      stubDeployment({
        clients: tableOfItems([]),
        output: (key) => (key === 'LedgerTimes' ? JSON.stringify(TIMES) : outputOfItsKey(key)),
      }),
    now: () => NOW_MS,
  });
  expect(lines).toHaveLength(1);
  expect(errors).toEqual(['which events were altered is not known: the stub has none']);
});

test('unconfirmed names an altered event of a damaged log line without the difference', async () => {
  const entry = alteredEntry();
  logged = [{ ...entry, facts: { ...entry.facts, stored: '{"status":"FAI', listed: undefined } }];
  const { parsed } = await unconfirmed([], '--json');
  expect(parsed()[0]).toMatchObject({ eventKey: 'failed#a', messageId: 'a@x.example', differs: [], isPutRight: false });
});

test('unconfirmed finds what the alarm counts at any age, unless a range is given', async () => {
  const old = slice(30 * DAY, counted);
  const items = [sliceItem(old), doubtItem(old), event(old, 'a', marked)];
  const found = async (...flags: string[]) => (await unconfirmed(items, '--json', ...flags)).parsed().at(-1);
  expect(await found()).toMatchObject({ slices: 1, found: 1 });
  expect(await found('--since', '2d')).toMatchObject({ slices: 0, found: 0 });
});

test('unconfirmed lists an event before the second pass if a run without waits marked it', async () => {
  const early = slice(3600, { ...counted, finalAt: null, isJudgedEarly: true });
  const { parsed } = await unconfirmed([sliceItem(early), event(early, 'a', marked)], '--json');
  expect(parsed().at(-1)).toMatchObject({ found: 1, undecided: 0 });
});
