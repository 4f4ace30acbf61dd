import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ZodType } from 'zod';
import type { CliContext } from '../../../cli/command.ts';
import { openDeployment } from '../../../cli/target/open.ts';
import { keyFingerprint } from '../../../lambdas/domain/webhooks/signature.ts';
import type { LocalStack } from '../../../tools/local-ledger/local-ledger.ts';
import type { EventData } from '../../../tools/mailgun-twin/traffic/event-parts.ts';
import { runCommand } from '../../support/cli/command-line.ts';
import { distrustLine } from '../../support/cli/json-lines/distrust.ts';
import { costsLine, doctorLine } from '../../support/cli/json-lines/doctor.ts';
import { keysRotateLine, keysSetLine, keysStatusLine } from '../../support/cli/json-lines/keys.ts';
import { logsLine } from '../../support/cli/json-lines/logs.ts';
import { statusLine } from '../../support/cli/json-lines/status.ts';
import { suppressionsShowLine } from '../../support/cli/json-lines/suppressions.ts';
import { tokenRotateLine, tokenShowLine } from '../../support/cli/json-lines/token.ts';
import { unconfirmedLine } from '../../support/cli/json-lines/unconfirmed.ts';
import { whyLine } from '../../support/cli/json-lines/why.ts';
import { DOMAIN, deliveredEvent } from '../../support/fixtures/webhooks.ts';
import { postWebhook, signedNow, startTestStack } from '../../support/stacks/local-stack.ts';

// The operator's commands against a running stack, as typed.

const KEY = 'key-of-the-test-01';
const PREVIOUS = 'key-of-the-test-00';
/** The second pass of a slice comes after half of Mailgun's retention. */
const RETENTION_SECONDS = 60;
const LONG = 180_000;

let stack: LocalStack;
let port: number;
/** Alarms that went off, by the end of their name. */
const sounded: string[] = [];

beforeAll(async () => {
  stack = await startTestStack({
    keys: { current: KEY, previous: PREVIOUS },
    reconcile: {
      source: 'events',
      everySeconds: 1,
      settleSeconds: 1,
      sliceSeconds: 3,
      retentionSeconds: RETENTION_SECONDS,
      fromEpochSeconds: undefined,
      mailgunUrl: undefined,
      apiKey: 'key-of-the-api-01',
    },
    // One minute of alarms takes a second.
    metricPeriodSeconds: 1,
    onAlarm: ({ name, to }) => {
      if (to === 'ALARM') sounded.push(name.replace(`${stack.place.stackName}-`, ''));
    },
  });
  port = Number(new URL(stack.ready.webhookUrl).port);
}, LONG);
afterAll(() => stack?.stop());

const run = (args: string[], context: Partial<CliContext> = {}) =>
  runCommand([...args, '--local', '--port', String(port)], { openDeployment, ...context });

/** Runs a command with `--json`; checks every line against its schema. */
async function runJson<Line>(schema: ZodType<Line>, args: string[], context: Partial<CliContext> = {}) {
  const { exitCode, json, errors } = await run([...args, '--json'], context);
  expect(errors).toEqual([]);
  return { exitCode, lines: json().map((line) => schema.parse(line)) };
}

function eventOf(messageId: string, over: Record<string, unknown> = {}): EventData {
  const event = deliveredEvent({
    id: randomUUID(),
    timestamp: Date.now() / 1000,
    message: { headers: { 'message-id': messageId } },
    ...over,
  });
  return event as unknown as EventData;
}

const post = (event: EventData, key = KEY) => postWebhook(stack, event, signedNow(key));

/** Waits until the recipients of a message satisfy a condition; returns them. */
async function until(messageId: string, isSo: (recipients: Recipient[]) => boolean): Promise<Recipient[]> {
  for (let last: Recipient[] = [], endMs = Date.now() + LONG - 30_000; ; await sleep(500)) {
    const { json } = await run(['why', messageId, '--json']);
    const lines = json();
    if (lines[0]?.event === 'message') {
      last = lines.map((line) => whyLine.parse(line)).filter((line) => line.event === 'recipient');
      if (isSo(last)) return last;
    }
    if (Date.now() > endMs) throw new Error(`still: ${JSON.stringify(lines)}`);
  }
}
type Recipient = ReturnType<typeof whyLine.parse> & { event: 'recipient' };

/** Process writes the status before the event, so the event may be absent for a moment. */
const isListed = (listed: string) => (recipients: Recipient[]) =>
  recipients.length > 0 &&
  recipients.every(({ events }) => events.length > 0 && events.every((each) => each.reconciled.listed === listed));

describe('why', () => {
  test(
    'shows which events came by webhook, by reconciliation or by both, and which one decides',
    async () => {
      const messageId = `order/7?a=1#${randomUUID()}%2F+ü@${DOMAIN}`;
      const accepted = eventOf(messageId, { event: 'accepted', timestamp: Date.now() / 1000 - 0.5 });
      const delivered = eventOf(messageId);
      const bounced = eventOf(messageId, {
        event: 'failed',
        severity: 'permanent',
        reason: 'bounce',
        recipient: 'bob@example.org',
        'delivery-status': { code: 550, message: 'no such mailbox' },
      });
      // A pass that came before process has stored the webhook's event would bring it too.
      stack.mailgun.misbehave({ fails: { mode: '500', percent: 100 } });
      try {
        expect(await post(accepted)).toBe(200);
        await until(messageId, (found) =>
          found.some(({ events }) => events.some(({ source }) => source === 'webhook')),
        );
        stack.list([accepted, delivered, bounced]);
      } finally {
        stack.mailgun.misbehave({});
      }

      const recipients = await until(
        messageId,
        (found) =>
          found.length === 2 &&
          found.every(({ status, events }) => status !== 'ACCEPTED' && events.some(({ decides }) => decides)) &&
          isListed('yes')(found),
      );
      expect(await post(bounced)).toBe(200);
      const ada = recipients.find(({ recipient }) => recipient === 'Ada@Example.org');
      expect(ada).toMatchObject({
        status: 'DELIVERED',
        because: 'A delivery counts more than an acceptance, whichever came in first.',
        mayBeForged: 0,
        events: [
          { source: 'webhook', decides: false },
          { source: 'reconcile', webhookAt: null, decides: true },
        ],
      });
      const both = (found: Recipient[]) => found.some(({ events }) => events[0]?.webhookAt !== null);
      const only = await until(messageId, (found) =>
        both(found.filter(({ recipient }) => recipient === 'bob@example.org')),
      );
      expect(only).toHaveLength(2);

      const { exitCode, lines } = await run(['why', `<${messageId}>`, 'BOB@example.org']);
      expect([exitCode, lines.join('\n')]).toEqual([0, expect.stringContaining('1 recipient, 1 event')]);
      expect(lines.join('\n')).toMatch(
        /bob@example\.org: FAILED \(bounce\) since [\d: -]+ UTC\n {2}> .*failed permanently, the address does not exist, reason: bounce \(550 no such mailbox\)\n.*found at Mailgun by reconciliation at .* UTC, and by webhook at .* UTC; Mailgun lists it/,
      );
      const classes = await run(['why', messageId, '--classes']);
      expect([classes.exitCode, classes.lines.join('\n')]).toEqual([
        0,
        expect.stringMatching(
          /all that failed from \S+ to example\.org on [\d-]+:\n +\d+ failures?: example\.org, bounce/,
        ),
      ]);
    },
    LONG,
  );

  test(
    'shows a signed event that Mailgun never listed as possibly forged, with status and alarm, until distrust discards its effect',
    async () => {
      const messageId = `${randomUUID()}@${DOMAIN}`;
      const accepted = eventOf(messageId, { event: 'accepted' });
      stack.list([accepted]);
      for (const event of [accepted, eventOf(messageId, { event: 'complained' })]) expect(await post(event)).toBe(200);
      const isOpenYet = ({ events }: Recipient) =>
        events.some(({ reconciled }) => /not listed yet$/.test(reconciled.why ?? ''));
      await until(messageId, (recipients) => recipients.some(isOpenYet));

      // A second pass marks events before it writes what it has decided of their slice.
      const isDecided = ({ mayBeForged, events }: Recipient) =>
        mayBeForged > 0 && events.every(({ reconciled }) => reconciled.listed !== 'unknown');
      const [recipient] = await until(messageId, (found) => found.some(isDecided));
      expect(recipient).toMatchObject({ status: 'COMPLAINED', mayBeForged: 1 });
      expect(recipient?.events.map(({ reconciled: { slice, listed } }) => [slice, listed])).toEqual(
        expect.arrayContaining([
          ['settled', 'yes'],
          ['settled', 'never'],
        ]),
      );
      const { lines } = await run(['why', messageId]);
      expect(lines.join('\n')).toContain('Mailgun never listed this event: it may be forged');
      expect(lines.at(-1)).toBe('  ! One event may be forged: do not trust this record.');

      const status = await runJson(statusLine, ['status']);
      expect(status.exitCode).toBe(1);
      expect(status.lines[0]).toMatchObject({ health: 'unhealthy' });
      expect(status.lines[0]?.domains[0]?.ledger?.unconfirmed).toBe(1);
      const logged = await runJson(logsLine, ['logs', 'reconcile', '--message', 'lost or unconfirmed']);
      expect(logged.lines.map(({ facts }) => facts.Unconfirmed)).toContain(1);
      for (const endMs = Date.now() + 30_000; !sounded.includes('unconfirmed') && Date.now() < endMs; )
        await sleep(200);
      expect(sounded).toContain('unconfirmed');
      await discardWhatFollowed(messageId);
    },
    LONG,
  );

  /** Follows the commands that the alarm and their output suggest. */
  async function discardWhatFollowed(messageId: string) {
    const { lines: before } = await runJson(unconfirmedLine, ['unconfirmed']);
    const [found] = before.filter((line) => line.event === 'unconfirmed');
    expect(found).toMatchObject({ messageId, decides: 'COMPLAINED', suppresses: ['complaint'] });
    const [, , , , ...typed] = found?.fix?.split(' ') ?? [];

    const plan = await runJson(distrustLine, ['distrust', messageId, '--plan']);
    expect(plan).toMatchObject({
      exitCode: 0,
      lines: [
        { unconfirmed: 1, status: 'COMPLAINED', becomes: 'ACCEPTED', changes: true },
        { kind: 'complaint', lifts: true },
        { event: 'plan', statuses: 1, suppressions: 1, left: 0 },
      ],
    });
    expect((await run(['distrust', messageId])).exitCode).toBe(2);
    expect(await suppressed()).toBe(true);

    expect((await run([...typed, '--yes'])).exitCode).toBe(0);
    expect(await until(messageId, ([only]) => only?.status === 'ACCEPTED')).toMatchObject([{ mayBeForged: 1 }]);
    expect(await suppressed()).toBe(false);
    const again = await runJson(distrustLine, ['distrust', messageId, '--yes']);
    expect(again).toMatchObject({ exitCode: 0, lines: [{ changes: false }, { statuses: 0, suppressions: 0 }] });
    const { lines: explained } = await run(['why', messageId]);
    expect(explained.at(-1)).toBe('  ! One event may be forged, and does not decide the status.');
    const { lines: after } = await runJson(unconfirmedLine, ['unconfirmed']);
    expect(after[0]).toMatchObject({ messageId, decides: null, suppresses: [], fix: null });
  }

  async function suppressed(): Promise<boolean | undefined> {
    const { lines } = await runJson(suppressionsShowLine, ['suppressions', 'show', 'Ada@Example.org']);
    return lines.find((line) => line.event === 'recipient')?.suppressed;
  }

  test('reports an unknown message or recipient in one sentence, with exit code 1', async () => {
    const messageId = `${randomUUID()}@${DOMAIN}`;
    const nobody = await run(['why', messageId]);
    expect([nobody.exitCode, nobody.lines, nobody.errors.length]).toEqual([1, [], 1]);
    expect(nobody.errors[0]).toMatch(new RegExp(`^nothing is stored of the message ${messageId}; check the id`));

    expect(await post(eventOf(messageId))).toBe(200);
    await until(messageId, (found) => found.length === 1);
    const { exitCode, errors } = await run(['why', messageId, 'eve@example.org']);
    expect([exitCode, errors]).toEqual([1, ['the message has no event for eve@example.org, only for Ada@Example.org']]);
    expect((await run(['why', ''])).exitCode).toBe(2);
    expect((await run(['why'])).exitCode).toBe(2);
  });
});

test('why --all shows every field of an event, as lines and as JSON, and why shows none', async () => {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const fields = { tags: ['spring'], 'user-variables': { order: 'R-7' }, 'client-info': { bot: '' }, campaigns: [] };
  expect(await post(eventOf(messageId, { ...fields, colour: 'red\u001b[2J', flags: { 'is-big': true } }))).toBe(200);
  await until(messageId, (found) => (found[0]?.events.length ?? 0) > 0);

  const { lines } = await run(['why', messageId, '--all']);
  expect(lines.filter((line) => /^ {6}\w+:/.test(line))).toEqual(
    expect.arrayContaining([
      '      tags: ["spring"]',
      '      userVariables: {"order":"R-7"}',
      '      flags: {"is-big":true}',
      '      client: {"bot":""}',
      '      colour: red [2J',
    ]),
  );
  expect(lines.join()).not.toMatch(/campaigns|null/);
  const { lines: json } = await run(['why', messageId, '--all', '--json']);
  const [recipient] = json.map((line) => whyLine.parse(JSON.parse(line))).filter(({ event }) => event === 'recipient');
  expect(recipient).toMatchObject({ events: [{ details: { flags: { 'is-big': true }, other: { campaigns: [] } } }] });
  expect((await run(['why', messageId])).lines.join()).not.toContain('colour');
});

describe('status and doctor', () => {
  test('report the last event and slice of the domain', async () => {
    const { lines } = await runJson(statusLine, ['status']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      backlog: expect.any(Number),
      deadLetters: 0,
      unknown: [],
      domains: [{ domain: DOMAIN, lastEvent: { type: 'delivered' }, ledger: { judgedUntil: expect.any(String) } }],
    });
    const { lines: screen } = await run(['status']);
    expect(screen.length).toBeLessThan(24);
  });

  test('doctor reports the AWS account as not on this machine, and everything else as in order', async () => {
    const { lines } = await runJson(doctorLine, ['doctor']);
    const stateOf = (check: string) => lines.find((line) => line.check === check);
    for (const check of ['credentials', 'bootstrap', 'concurrency', 'page topic']) {
      expect(stateOf(check)).toMatchObject({ state: 'skipped', says: 'not on this machine' });
    }
    for (const check of ['Node', 'stack', 'signing key', 'API key', `Mailgun for ${DOMAIN}`, `webhooks of ${DOMAIN}`]) {
      expect(stateOf(check)).toMatchObject({ state: 'ok' });
    }
    expect(stateOf(`last event of ${DOMAIN}`)?.says).toMatch(/^delivered, .* UTC \(\d+ s ago\)$|ago\)$/);
    expect(JSON.stringify(lines)).not.toMatch(/key-of-the-(test|api)/);
  });

  test('doctor --costs counts usage since the start, without storage, whose size no engine reports', async () => {
    const before = await stack.stats();
    const { lines } = await runJson(costsLine, ['doctor', '--costs']);
    const after = await stack.stats();
    expect(lines).toHaveLength(1);
    for (const { seconds, costs } of lines) {
      expect(seconds).toBeGreaterThanOrEqual(before.seconds);
      expect(seconds).toBeLessThanOrEqual(after.seconds);
      expect(costs.map(({ what }) => what)).toEqual(['reads and writes of the table', 'logs', 'refused posts']);
      for (const { dollars } of costs.slice(0, 2)) expect(dollars).toBeGreaterThan(0);
    }
  });

  test("doctor --origin sends a browser's requests, for a configured origin and another", async () => {
    const good = await runJson(doctorLine, ['doctor', '--origin', 'http://localhost:5173']);
    expect([good.exitCode, good.lines.map(({ state }) => state)]).toEqual([0, ['ok', 'ok', 'ok', 'skipped', 'ok']]);
    const bad = await runJson(doctorLine, ['doctor', '--origin', 'https://evil.example']);
    expect([bad.exitCode, bad.lines.map(({ state }) => state)]).toEqual([
      1,
      ['wrong', 'wrong', 'wrong', 'skipped', 'ok'],
    ]);
    expect(bad.lines[0]?.fix).toMatch(/put "https:\/\/evil.example" into "origins"/);
    expect((await run(['doctor', '--origin', 'evil.example'])).exitCode).toBe(2);
  });

  test('doctor without a stack prints how to start one, and other commands report that there is none', async () => {
    const nowhere = (args: string[]) => runCommand([...args, '--local', '--port', '9'], { openDeployment });
    const { exitCode, json } = await nowhere(['doctor', '--json']);
    expect(exitCode).toBe(1);
    expect(json().at(-1)).toMatchObject({ check: 'stack', state: 'wrong', fix: 'npm start -- --port 9' });
    for (const args of [['status'], ['why', 'x'], ['logs', 'ingest'], ['keys', 'status'], ['token', 'show']]) {
      const { exitCode: code, errors } = await nowhere(args);
      expect([code, errors]).toEqual([1, [expect.stringMatching(/^no local stack is running on port 9; start one/)]]);
    }
  });
});

describe('logs', () => {
  test('show why webhooks are refused', async () => {
    expect(await post(eventOf('x@y'), 'key-of-a-stranger')).toBe(401);
    const { exitCode, lines } = await runJson(logsLine, [
      'logs',
      'ingest',
      '--since',
      '30m',
      '--message',
      'webhook refused',
    ]);
    expect([exitCode, lines.map(({ facts }) => facts.reason)]).toEqual([0, ['unauthorized']]);
    const { lines: texts } = await run(['logs', 'ingest', '--message', 'webhook refused']);
    expect(texts).toEqual([expect.stringMatching(/^\d{4}-[\dT:.-]+Z {2}webhook refused {2}reason=unauthorized {2}/)]);
    const access = await runJson(logsLine, ['logs', 'webhook-access']);
    expect(access.lines.map(({ facts }) => String(facts.status))).toEqual(expect.arrayContaining(['200', '401']));
  });
});

describe('keys', () => {
  const set = (args: string[], input: string) =>
    runJson(keysSetLine, ['keys', 'set', ...args], { readInput: async () => input });

  test('status reports which key verified the acknowledged webhooks', async () => {
    expect(await post(eventOf(`${randomUUID()}@${DOMAIN}`), PREVIOUS)).toBe(200);
    const { exitCode, lines } = await runJson(keysStatusLine, ['keys', 'status']);
    expect(exitCode).toBe(0);
    expect(lines).toContainEqual(expect.objectContaining({ key: 'current', fingerprint: keyFingerprint(KEY) }));
    const verified = lines.find((line) => line.event === 'verified');
    expect(verified).toMatchObject({ previous: 1, parent: 0, unauthorized: 1 });
    expect(verified?.current).toBeGreaterThan(0);
  });

  test('set reads a key from standard input, and takes effect; --from-mailgun sets the key that Mailgun signs with', async () => {
    const fresh = 'key-of-the-test-02';
    expect((await set([], `${fresh}\n`)).lines).toEqual([
      {
        event: 'set',
        key: 'current',
        fingerprint: keyFingerprint(fresh),
        changed: true,
        previous: keyFingerprint(KEY),
        replacesUnreadable: false,
        alarmEndsBy: null,
      },
    ]);
    expect((await set([], fresh)).lines[0]).toMatchObject({ changed: false });
    expect((await set(['--from-mailgun'], '')).lines[0]).toMatchObject({
      fingerprint: keyFingerprint(KEY),
      changed: true,
      previous: keyFingerprint(fresh),
    });
    expect((await set(['--from-mailgun'], '')).lines[0]).toMatchObject({ changed: false });
    expect((await run(['keys', 'set'])).exitCode).toBe(2);
  });

  test('rotate prompts, then replaces the key at Mailgun and here, and keeps the old one as previous', async () => {
    const refused = await run(['keys', 'rotate'], { ask: async () => 'n' });
    expect([refused.exitCode, refused.errors]).toEqual([2, ['stopped']]);
    expect(stack.account.signingKey).toBe(KEY);

    const { exitCode, lines } = await runJson(keysRotateLine, ['keys', 'rotate', '--yes']);
    const fresh = stack.account.signingKey;
    expect(fresh).not.toBe(KEY);
    expect(exitCode).toBe(0);
    expect(lines).toEqual([
      { event: 'planned', others: 0 },
      { event: 'rotated', fingerprint: keyFingerprint(fresh), previous: keyFingerprint(KEY), replaced: true },
    ]);
    const { lines: keys } = await runJson(keysStatusLine, ['keys', 'status']);
    expect(keys.slice(0, 2)).toMatchObject([
      { fingerprint: keyFingerprint(fresh) },
      { fingerprint: keyFingerprint(KEY) },
    ]);
  });

  test('an API key that Mailgun refuses is reported, with the allowlist as another cause', async () => {
    expect((await set(['--api-key'], 'key-that-nobody-knows')).lines[0]).toMatchObject({
      key: 'apiKey',
      changed: true,
    });
    const { exitCode, lines } = await runJson(doctorLine, ['doctor']);
    expect(exitCode).toBe(1);
    const check = lines.find((line) => line.check === 'API key');
    expect(check).toMatchObject({
      state: 'wrong',
      says: expect.stringMatching(/refuses the API key \(401\).*IP allowlist/),
      fix: expect.stringMatching(/keys set --api-key --local --port \d+ < api-key\.txt$/),
    });
    expect((await run(['keys', 'rotate', '--yes'])).errors.at(-1)).toMatch(/refuses the API key/);
    await set(['--api-key'], 'key-of-the-api-01');
  });
});

describe('token', () => {
  test('show prints only the token; rotate replaces it after a yes', async () => {
    const before = await run(['token', 'show']);
    expect(before).toMatchObject({ exitCode: 0, lines: [stack.ready.apiToken], errors: [] });
    expect((await run(['token', 'rotate'])).exitCode).toBe(2);
    expect((await runJson(tokenRotateLine, ['token', 'rotate', '--yes'])).exitCode).toBe(0);
    const { lines } = await runJson(tokenShowLine, ['token', 'show']);
    expect(lines[0]?.token).toMatch(/^[A-Za-z0-9]{48}$/);
    expect(lines[0]?.token).not.toBe(stack.ready.apiToken);
  });
});

test('the command in a process of its own uses LEDGER_TARGET, and reads a key from standard input', async () => {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../../../bin/mailgun-ledger.ts'), 'keys', 'set', '--parent'],
    {
      env: { ...process.env, LEDGER_TARGET: `local:${port}` },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  child.stdin.end('key-of-the-parent-01\n');
  const ended = new Promise((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const print = keyFingerprint('key-of-the-parent-01');
  expect([out, err]).toEqual([`Parent signing key ${print} is set. Ingest takes it within 30 seconds.\n`, '']);
  expect(await ended).toBe(0);
}, 60_000);
