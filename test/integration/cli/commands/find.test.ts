import { randomUUID } from 'node:crypto';
import { runCommand, withoutOutput } from '../../../support/cli/command-line.ts';
import { findLine } from '../../../support/cli/json-lines/find.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

const RECIPIENT = 'Ada@Example.org';
const AT = Date.parse('2026-10-02T08:00:00Z') / 1000;
const id = { order: `order@${DOMAIN}`, news: `news@${DOMAIN}`, bounced: `bounced@${DOMAIN}` };
let local: LocalLedger;

const mail = (messageId: string, timestamp: number, subject: string, over: object = {}) =>
  deliveredEvent({
    id: randomUUID(),
    recipient: RECIPIENT,
    timestamp,
    message: { headers: { 'message-id': messageId, subject } },
    ...over,
  });

beforeAll(async () => {
  local = await startLocalLedger();
  const bounce = { event: 'failed', severity: 'permanent', reason: 'bounce', tags: ['Spring'] };
  const events = [
    mail(id.order, AT, 'Your order R-7'),
    mail(id.news, AT + 60, 'News\u001b[2J of spring', { tags: ['Spring', 'news'] }),
    mail(id.bounced, AT + 120, 'Your order R-8', bounce),
    ...[id.order, id.news, id.bounced].map((each, n) => mail(each, AT + n * 60, 'Accepted', { event: 'accepted' })),
  ];
  for (const event of events) expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);
}, 120_000);
afterAll(() => local?.stack.stop());

async function find(address: string, ...flags: string[]) {
  const { exitCode, json } = await local.ledger(['find', address, '--json', ...flags]);
  const lines = json().map((line) => findLine.parse(line));
  return { exitCode, ids: lines.flatMap((line) => (line.event === 'message' ? [line.messageId] : [])), lines };
}

test('find lists the messages to an address in any case, newest first, with distinguishing details', async () => {
  const { exitCode, ids, lines } = await find('ada@EXAMPLE.org');
  expect({ exitCode, ids }).toEqual({ exitCode: 0, ids: [id.bounced, id.news, id.order] });
  expect(lines[0]).toMatchObject({
    subject: 'Your order R-8',
    firstAt: '2026-10-02T08:02:00.000Z',
    tags: ['spring'],
    domain: DOMAIN,
    status: 'FAILED',
    reason: 'bounce',
    unconfirmed: false,
  });
  expect(lines.at(-1)).toEqual({ event: 'found', recipient: 'ada@EXAMPLE.org', messages: 3, hasMore: false });

  const { lines: text } = await local.ledger(['find', RECIPIENT]);
  expect(text.slice(2, 4)).toEqual([
    '2026-10-02 08:01:00 UTC  DELIVERED   News [2J of spring  ! not compared yet',
    `  ${id.news}  tags: spring, news`,
  ]);
});

test('find shows the time of the status, and opens by people', async () => {
  const recipient = 'grace@example.org';
  const opened = { recipient, event: 'opened', 'client-info': { bot: '' } };
  const events = [
    mail(id.order, AT, 'Hello', { recipient, event: 'accepted' }),
    mail(id.order, AT + 60, 'Hello', { recipient }),
    ...[100, 110].map((after) => mail(id.order, AT + after, 'Hello', opened)),
    mail(id.order, AT + 120, 'Hello', { ...opened, 'client-info': { bot: 'gmail' } }),
    mail(id.news, AT - 60, 'Hello', { recipient }),
  ];
  for (const event of events) expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);

  const { lines } = await local.ledger(['find', recipient]);
  expect(lines.slice(0, 4)).toEqual([
    '2026-10-02 08:01:00 UTC  DELIVERED   Hello  ! not compared yet',
    `  ${id.order}  tags: welcome  2 opens  1 open by machines`,
    '2026-10-02 07:59:00 UTC  DELIVERED   Hello  ! not compared yet',
    `  ${id.news}  tags: welcome`,
  ]);
  expect((await find(recipient)).lines).toMatchObject([
    { opens: 2, machineOpens: 1, clicks: 0 },
    { opens: 0, machineOpens: 0 },
    { messages: 2 },
  ]);
});

test.each([
  ['--status failed', ['--status', 'failed'], [id.bounced]],
  ['a tag in any case', ['--tag', 'SPRING'], [id.bounced, id.news]],
  ['--from', ['--from', '2026-10-02T08:01:00Z'], [id.bounced, id.news]],
  ['--to', ['--to', '2026-10-02T08:01:00Z'], [id.order]],
  ['all of them together', ['--status', 'delivered', '--tag', 'spring', '--from', '2026-10-01'], [id.news]],
])('find is narrowed by %s', async (_name, flags, wanted) => {
  expect((await find(RECIPIENT, ...flags)).ids).toEqual(wanted);
});

test('find --limit prints the newest, and that it has read no further', async () => {
  const { ids, lines } = await find(RECIPIENT, '--limit', '2');
  expect(ids).toEqual([id.bounced, id.news]);
  expect(lines.at(-1)).toMatchObject({ messages: 2, hasMore: true });
});

test.each([
  ['an address', [RECIPIENT]],
  ['mail', ['--from', '2026-10-01', '--to', '2026-10-03']],
])(
  'find of %s at its limit names the time from which to go on, and no older ones that may not exist',
  async (_, what) => {
    const tagged = [...what, '--tag', 'spring'];
    const { lines } = await local.ledger(['find', ...tagged, '--limit', '2']);
    const [, time] =
      /^2 m.+; read only back to 2026-10-02 08:0\d:00 UTC: for older ones, if any, .* --to (\S+)\.$/.exec(
        lines.at(-1) ?? '',
      ) ?? [];
    expect(time).toMatch(/^2026-10-02T08:0\d:01Z$/);
    const rest = await local.ledger([
      'find',
      ...tagged.filter((each) => each !== '--to' && each !== '2026-10-03'),
      '--to',
      String(time),
    ]);
    expect(rest.lines.at(-1)).toMatch(/^1 m[^;]+\.$/);
  },
);

test('find whose list is of one second at its limit advises only a greater limit, which lists all', async () => {
  const recipient = 'bulk@example.org';
  for (const nth of [0, 0.1, 0.2]) {
    const over = { recipient, event: 'accepted', tags: ['bulk'] };
    expect(await postWebhook(local.stack, mail(`${randomUUID()}@${DOMAIN}`, AT + 600 + nth, 'Bulk', over))).toBe(200);
  }
  await drained(local.stack);
  for (const what of [[recipient], ['--tag', 'bulk', '--from', '2026-10-01', '--to', '2026-10-03']]) {
    const ofLimit = async (limit: string) => (await local.ledger(['find', ...what, '--limit', limit])).lines.at(-1);
    expect(await ofLimit('2')).toMatch(
      /^2 m.+: for older ones, if any, raise --limit; all of these are of one second\.$/,
    );
    expect(await ofLimit('4')).toMatch(/^3 m[^;]+\.$/);
  }
});

test.each([
  ['an address', [RECIPIENT]],
  ['mail', ['--status', 'failed', '--from', '2026-10-01', '--to', '2026-10-03']],
])(
  'find of %s in a stack that does not say its retention says that this leaves open what was compared',
  async (_, what) => {
    const openDeployment = async () => withoutOutput(local.target, 'RetentionDays');
    const earlier = await runCommand(['find', ...what, '--local'], { openDeployment });
    expect(earlier.lines.join('\n')).toContain('not compared yet');
    expect(earlier.errors).toEqual([expect.stringMatching(/"not compared yet" may have been compared.*Deploy/)]);
    expect(
      (await runCommand(['find', ...what, '--local'], { openDeployment: async () => local.target })).errors,
    ).toEqual([]);
  },
);

test('find without an address lists the mail of a time by status, with its recipients', async () => {
  const now = Math.floor(Date.now() / 1000);
  const sent = { fresh: `fresh@${DOMAIN}`, stuck: `stuck@${DOMAIN}`, done: `done@${DOMAIN}` };
  const events = [
    mail(sent.fresh, now - 600, 'Fresh', { event: 'accepted', recipient: 'Mae@example.org' }),
    mail(sent.stuck, now - 1200, 'Stuck', { event: 'accepted', tags: ['spring'] }),
    mail(sent.stuck, now - 1100, 'Stuck', { event: 'failed', severity: 'temporary', tags: ['spring'] }),
    mail(sent.done, now - 900, 'Done', { event: 'accepted' }),
    mail(sent.done, now - 800, 'Done'),
    mail(`old@${DOMAIN}`, now - 7200, 'Old', { event: 'accepted' }),
  ];
  for (const event of events) expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);
  const list = async (...flags: string[]) => {
    const { exitCode, json } = await local.ledger(['find', '--json', ...flags]);
    const lines = exitCode === 0 ? json().map((line) => findLine.parse(line)) : [];
    return { exitCode, ids: lines.flatMap((line) => (line.event === 'message' ? [line.messageId] : [])), lines };
  };

  const pending = await list('--status', 'pending', '--from', '1h');
  expect(pending).toMatchObject({ exitCode: 0, ids: [sent.fresh, sent.stuck] });
  expect(pending.lines[0]).toMatchObject({ status: 'ACCEPTED', recipient: 'Mae@example.org', subject: 'Fresh' });
  expect(pending.lines.at(-1)).toEqual({ event: 'found', recipient: null, messages: 2, hasMore: false });
  expect((await list('--status', 'deferred', '--from', '1h', '--domain', DOMAIN)).ids).toEqual([sent.stuck]);
  expect((await list('--tag', 'Spring', '--from', '1h')).ids).toEqual([sent.stuck]);
  expect((await list('--status', 'pending')).ids).toEqual([sent.fresh, sent.stuck, `old@${DOMAIN}`]);
  expect((await list('--status', 'pending', '--from', '1h', '--limit', '1')).lines.at(-1)).toMatchObject({
    messages: 1,
    hasMore: true,
  });
  expect(await list('--status', 'accepted', '--from', '1h', '--to', '15m')).toMatchObject({ exitCode: 1, ids: [] });
  const { lines } = await local.ledger(['find', '--status', 'accepted', '--from', '1h']);
  expect(lines[1]).toBe(`  ${sent.fresh}  tags: welcome  to Mae@example.org`);
});

test.each([
  [
    'an address without mail',
    ['eve@example.org'],
    1,
    /^no message to eve@example\.org is stored; .*why eve@example\.org$/,
  ],
  ['a filter that nothing fits', [RECIPIENT, '--status', 'complained'], 1, /fits; without --status.*all are listed$/],
  ['a tag that no mail has', ['--tag', '*'], 2, /^give a tag that is not empty and not \*$/],
  ['a text without @', ['order'], 2, /^"order" is not an address like/],
  [
    'a time in which no mail fits',
    ['--status', 'complained'],
    1,
    /^no mail of .* or an unknown domain that was accepted between .* fits$/,
  ],
  ['neither an address nor a filter', ['--from', '1h'], 2, /needs an address, or --status or --tag$/],
  [
    'a time that is too long',
    ['--status', 'failed', '--from', '40d'],
    2,
    /^--from must be at most 31 days before --to$/,
  ],
  [
    'an empty range without an address',
    ['--status', 'failed', '--from', '1h', '--to', '2h'],
    2,
    /^--from must be before --to$/,
  ],
  ['an unknown domain', ['--status', 'failed', '--domain', 'mg.other.example'], 2, /is not one of the stack's/],
  ['a domain beside an address', [RECIPIENT, '--domain', DOMAIN], 2, /^--domain cannot be combined with an address$/],
  ['an empty range', [RECIPIENT, '--from', '1h', '--to', '2h'], 2, /^--from must be before --to$/],
  ['an unknown status', [RECIPIENT, '--status', 'lost'], 2, /Allowed choices are accepted, deferred, delivered/],
])('find reports %s as an error with the next step', async (_name, args, exitCode, expected) => {
  const result = await local.ledger(['find', ...args]);
  expect({ ...result, json: undefined }).toEqual({
    exitCode,
    lines: [],
    json: undefined,
    errors: [expect.stringMatching(expected)],
  });
});
