import type { ServerResponse } from 'node:http';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { checkKey, withCurrent } from '../../../../cli/access.ts';
import type { CliContext } from '../../../../cli/command.ts';
import { TargetUnavailableError } from '../../../../cli/errors.ts';
import { type Deployment, parseLogEntry } from '../../../../cli/target/types.ts';
import { UNSET_API_KEY, UNSET_SIGNING_KEYS } from '../../../../lambdas/contract.ts';
import { keyFingerprint } from '../../../../lambdas/domain/webhooks/signature.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { keysRotateLine, keysSetLine, keysStatusLine } from '../../../support/cli/json-lines/keys.ts';
import { stubSecrets } from '../../../support/doubles/stub-secrets.ts';

const OLD = 'key-old-0123456789abcdef';
const NEW = 'key-new-0123456789abcdef';

function secretsOf(signing: unknown, api: unknown = { apiKey: 'key-api-0123456789' }) {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return { SigningKeysSecretArn: text(signing), ApiKeySecretArn: text(api) };
}

const stored = (secrets: Record<string, string>) => JSON.parse(secrets.SigningKeysSecretArn ?? '');

async function set(args: string[], input: string, secrets: Record<string, string>, over: Partial<CliContext> = {}) {
  const target = stubDeployment(stubSecrets(secrets));
  const output = await runCommand(['keys', 'set', '--local', ...args], {
    openDeployment: async () => target,
    readInput: async () => input,
    ...over,
  });
  const all = [...output.lines, ...output.errors].join('\n');
  if (input.trim() !== '') expect(all).not.toContain(input.trim());
  expect(all).not.toContain(OLD);
  return output;
}

test('a malformed key is refused in a sentence that does not contain it', () => {
  expect(checkKey(`  ${NEW}\n`, 'signing')).toBe(NEW);
  expect(() => checkKey('\n', 'signing')).toThrow('no key on standard input');
  for (const text of ['short', 'two words of it', '{"current":"x1234567"}', '"quoted-key-1"', 'k'.repeat(129)]) {
    expect(() => checkKey(text, 'signing')).toThrow(/one word of 8 to 128/);
  }
  const apiKey = `${'a1'.repeat(16)}-0123abcd-4567cdef`;
  expect(() => checkKey(apiKey, 'signing')).toThrow(/looks like an API key/);
  expect(checkKey(apiKey, 'api')).toBe(apiKey);
});

test('a fingerprint is the beginning of the SHA-256', () => {
  // printf abc | sha256sum
  expect(keyFingerprint('abc')).toBe('ba7816bf');
});

test.each([
  [{}, { current: NEW }],
  [{ current: OLD }, { current: NEW, previous: OLD }],
  [
    { current: OLD, previous: 'older', parent: 'p' },
    { current: NEW, previous: OLD, parent: 'p' },
  ],
  [
    { current: OLD, previous: NEW },
    { current: NEW, previous: OLD },
  ],
  [{ current: NEW, previous: OLD }, undefined],
])('withCurrent adds a new key to %j', (before, after) => {
  expect(withCurrent(before, NEW)).toEqual(after);
});

describe('keys set', () => {
  test('moves the current key to previous, and changes nothing if repeated', async () => {
    const secrets = secretsOf({ current: OLD, parent: 'key-parent-01' });
    const first = await set(['--json'], NEW, secrets);
    expect(first.json().map((line) => keysSetLine.parse(line))).toEqual([
      {
        event: 'set',
        key: 'current',
        fingerprint: keyFingerprint(NEW),
        changed: true,
        previous: keyFingerprint(OLD),
        replacesUnreadable: false,
        alarmEndsBy: null,
      },
    ]);
    const after = { current: NEW, previous: OLD, parent: 'key-parent-01' };
    expect(stored(secrets)).toEqual(after);

    const again = await set([], `${NEW}\n`, secrets);
    expect(again.exitCode).toBe(0);
    expect(again.lines).toEqual([`Signing key ${keyFingerprint(NEW)} was set already; nothing changed.`]);
    expect(stored(secrets)).toEqual(after);
  });

  test.each([
    { stored: 'another', before: { current: OLD, previous: 'key-older-01', parent: 'key-parent-01' } },
    { stored: 'the same', before: { current: NEW, previous: OLD, parent: 'key-parent-01' } },
  ])('--alone removes the previous key where $stored is current, and keeps the parent key', async ({ before }) => {
    const secrets = secretsOf(before);
    const { exitCode, lines } = await set(['--alone'], NEW, secrets);
    expect([exitCode, lines]).toEqual([
      0,
      [
        `Signing key ${keyFingerprint(NEW)} is set, alone. Ingest takes it within 30 seconds. The previous key is refused within 5 minutes.`,
      ],
    ]);
    expect(stored(secrets)).toEqual({ current: NEW, parent: 'key-parent-01' });

    const again = await set(['--alone'], NEW, secrets);
    expect(again.lines).toEqual([`Signing key ${keyFingerprint(NEW)} was set already; nothing changed.`]);
  });

  test('replaces the placeholder of a fresh deploy', async () => {
    const secrets = secretsOf(UNSET_SIGNING_KEYS, UNSET_API_KEY);
    await set([], NEW, secrets);
    await set(['--api-key'], 'key-api-abcdef', secrets);
    expect(stored(secrets)).toEqual({ current: NEW });
    expect(JSON.parse(secrets.ApiKeySecretArn)).toEqual({ apiKey: 'key-api-abcdef' });
  });

  test('sets the parent key beside the others', async () => {
    const secrets = secretsOf({ current: OLD });
    await set(['--parent'], NEW, secrets);
    expect(stored(secrets)).toEqual({ current: OLD, parent: NEW });
  });

  test('--plan prints what would change, and changes nothing', async () => {
    const secrets = secretsOf({ current: OLD });
    const { exitCode, lines } = await set(['--plan'], NEW, secrets);
    const [fresh, old] = [NEW, OLD].map(keyFingerprint);
    const text = `Plan: Signing key ${fresh} would be set, and ${old} becomes previous. Nothing was changed.`;
    expect([exitCode, lines, stored(secrets)]).toEqual([0, [text], { current: OLD }]);
  });

  test.each([
    { args: [], secret: 'SigningKeysSecretArn', input: NEW, becomes: { current: NEW } },
    { args: ['--parent'], secret: 'SigningKeysSecretArn', input: NEW, becomes: { parent: NEW } },
    { args: ['--api-key'], secret: 'ApiKeySecretArn', input: 'key-api-abcdef', becomes: { apiKey: 'key-api-abcdef' } },
  ] as const)('replaces a secret that holds no JSON object once that is agreed to: $args', async (row) => {
    const { args, secret, input, becomes } = row;
    const secrets = secretsOf('no JSON', 'no JSON');
    const refused = await set([...args], input, secrets);
    expect([refused.exitCode, secrets[secret]]).toEqual([2, 'no JSON']);
    expect(refused.errors[0]).toContain('--yes');
    const planned = await set([...args, '--plan'], input, secrets);
    expect([planned.exitCode, secrets[secret]]).toEqual([0, 'no JSON']);
    expect(planned.errors[0]).toMatch(/holds no JSON object; what it holds is lost\.$/);

    const replaced = await set([...args, '--yes', '--json'], input, secrets);
    expect(replaced.json().map((line) => keysSetLine.parse(line))).toMatchObject([
      { event: 'set', changed: true, previous: null, replacesUnreadable: true },
    ]);
    expect(JSON.parse(secrets[secret])).toEqual(becomes);
  });

  test('prints when signing-key-unusable ends if no key was set before', async () => {
    const over = { now: () => Date.parse('2026-11-22T12:00:00Z') };
    const { lines } = await set([], NEW, secretsOf({}), over);
    const planned = await set(['--plan'], NEW, secretsOf({}), over);

    expect(lines).toContain('The alarm signing-key-unusable, if it is on, is OK by 2026-11-22 12:30:00 UTC.');
    expect(lines).toContainEqual(expect.stringMatching(/^Times of alarms are those of AWS; .+ sooner\.$/));
    expect(planned.lines.join()).not.toContain('signing-key-unusable');
    const onAws = { kind: 'aws', environment: 'prod' } as const;
    const elsewhere = await set([], NEW, secretsOf({}), {
      ...over,
      openDeployment: async () => stubDeployment({ ...stubSecrets(secretsOf({})), ref: onAws }),
    });
    expect(elsewhere.lines).toContain('The alarm signing-key-unusable, if it is on, is OK by 2026-11-22 12:30:00 UTC.');
    expect(elsewhere.lines.join()).not.toContain('Times of alarms');
  });

  test('prints which alarms may still be on after a new key, and none if nothing changed', async () => {
    const secrets = secretsOf({ current: OLD });
    const ringing = expect.stringMatching(/^The alarms lost-webhooks and silence may still ring/);
    expect((await set(['--plan'], NEW, secrets)).lines).not.toContainEqual(ringing);
    expect((await set([], NEW, secrets)).lines).toContainEqual(ringing);
    expect((await set([], NEW, secrets)).lines).not.toContainEqual(ringing);
    expect((await set(['--parent'], 'key-parent-01', secrets)).lines).not.toContainEqual(ringing);
  });

  test('prompts at a terminal before it replaces a secret that holds no JSON object', async () => {
    const secrets = secretsOf('no JSON');
    const questions: string[] = [];
    const { exitCode } = await runCommand(['keys', 'set', '--local'], {
      openDeployment: async () => stubDeployment(stubSecrets(secrets)),
      readInput: async () => NEW,
      ask: async (question) => {
        questions.push(question);
        return 'y';
      },
    });
    expect([exitCode, stored(secrets)]).toEqual([0, { current: NEW }]);
    expect(questions[0]).toMatch(
      /^The secret of the signing keys holds no JSON object; what it holds is lost\. Replace it\?/,
    );
  });

  test.each([
    { args: ['--parent', '--api-key'], expected: /cannot be combined/ },
    { args: ['--parent', '--from-mailgun'], expected: /reads the signing key only/ },
    { args: ['--alone', '--api-key'], expected: /for the signing key only/ },
  ])('refuses the wrong usage $args', async ({ args, expected }) => {
    const { exitCode, errors } = await set(args, NEW, secretsOf({}));
    expect([exitCode, errors[0]]).toEqual([2, expect.stringMatching(expected)]);
  });
});

describe('keys rotate', () => {
  const environments: Record<string, Record<string, string> | string> = {
    prod: secretsOf({ current: OLD }),
    staging: secretsOf({ current: OLD, previous: 'x'.repeat(9) }),
    dev: 'the AWS credentials are those of another account',
  };
  const openDeployment: CliContext['openDeployment'] = async (place) => {
    const secrets = environments[place.kind === 'aws' ? place.environment : ''];
    if (typeof secrets === 'string' || secrets === undefined) throw new TargetUnavailableError(String(secrets));
    return stubDeployment({ ref: place, ...stubSecrets(secrets) });
  };

  test('names every other environment of cdk.json, and which of them have the same key', async () => {
    const args = ['keys', 'rotate', '--env', 'prod', '--plan', '--json'];
    const { exitCode, json } = await runCommand(args, { openDeployment });
    const lines = json().map((line) => keysRotateLine.parse(line));
    expect(exitCode).toBe(0);
    expect(lines).toMatchObject([
      { event: 'environment', name: 'dev', shares: 'unknown', why: environments.dev },
      { event: 'environment', name: 'staging', shares: 'yes', command: expect.stringContaining('--env staging') },
      { event: 'planned', others: 2 },
    ]);
    environments.staging = secretsOf({ current: NEW });
    const { lines: text } = await runCommand(['keys', 'rotate', '--env', 'prod', '--plan'], { openDeployment });
    expect(text).toContain('staging: has another key, and is not concerned.');
    expect(text.at(-1)).toMatch(
      /^Plan: nothing was changed; without --plan .* replaced .*, or, where .* that one is set here/,
    );
    expect(text).not.toContain('');
  });

  /** A Mailgun that replaces its key by `replace`, and the stack's secrets. */
  async function rotation(
    replace: (keys: string[], response: ServerResponse) => void,
    before: object = { current: OLD },
  ) {
    const keys = [OLD];
    const server = await listenOnLoopback((request, response) => {
      if (request.method === 'POST') replace(keys, response);
      else response.end(JSON.stringify({ http_signing_key: keys.at(-1) }));
    });
    const secrets = secretsOf(before);
    const target = stubDeployment({ ...stubSecrets(secrets), mailgunUrl: () => server.url });
    const rotate = async () => {
      const output = await runCommand(['keys', 'rotate', '--local', '--yes', '--json'], {
        openDeployment: async () => target,
      });
      const text = [...output.lines, ...output.errors].join();
      expect(text).not.toMatch(/key-(old|new)/);
      return { ...output, text };
    };
    return { keys, secrets, target, rotate, close: () => server.close() };
  }
  const renew = (keys: string[]) => keys.push(`key-new-${keys.length}-0123456789`);
  const UNFINISHED = /may be replaced.*run npm run ledger -- keys set --local --port 4010 --from-mailgun/;

  test.each<[string, (keys: string[], response: ServerResponse) => void]>([
    [
      'is lost',
      (keys, response) => {
        renew(keys);
        response.destroy();
      },
    ],
    [
      'is a 502',
      (keys, response) => {
        renew(keys);
        response.writeHead(502).end();
      },
    ],
    ['comes before the key that it returns', (_, response) => response.end('{}')],
  ])('says that the key may be replaced, and is finished by a second run, where the reply %s', async (_, replace) => {
    const { keys, secrets, rotate, close } = await rotation(replace, { current: OLD, parent: 'key-parent-01' });
    const first = await rotate();
    expect([first.exitCode, first.text]).toEqual([1, expect.stringMatching(UNFINISHED)]);
    expect(stored(secrets)).toEqual({ current: OLD, parent: 'key-parent-01' });

    if (keys.length === 1) renew(keys);
    const second = await rotate();
    await close();
    expect(second.exitCode).toBe(0);
    expect(keys).toHaveLength(2);
    expect(stored(secrets)).toEqual({ current: keys[1], previous: OLD, parent: 'key-parent-01' });
    expect(keysRotateLine.parse(second.json().at(-1))).toEqual({
      event: 'rotated',
      fingerprint: keyFingerprint(keys[1] ?? ''),
      previous: keyFingerprint(OLD),
      replaced: false,
    });
  });

  test('says that the key is not set here if the secret cannot be written', async () => {
    const { keys, secrets, target, rotate, close } = await rotation((all, response) => {
      renew(all);
      response.end('{}');
    });
    const { send } = target.clients.secrets as { send: (command: object) => Promise<unknown> };
    let isDown = true;
    Object.assign(target.clients.secrets, {
      send: async (command: object) => {
        if (isDown && command instanceof PutSecretValueCommand) throw new Error('down');
        return send(command);
      },
    });
    const first = await rotate();
    expect([first.exitCode, first.text]).toEqual([1, expect.stringMatching(UNFINISHED)]);
    isDown = false;
    expect((await rotate()).exitCode).toBe(0);
    await close();
    expect(stored(secrets)).toEqual({ current: keys[1], previous: OLD });
  });

  test("takes the parent account's key for no rotation that was cut, and changes nothing", async () => {
    const before = { current: NEW, parent: OLD };
    const { keys, secrets, rotate, close } = await rotation(renew, before);
    const { exitCode, text } = await rotate();
    await close();
    expect([exitCode, text]).toEqual([1, expect.stringMatching(/belongs to the parent account.*nothing was changed/)]);
    expect([keys, stored(secrets)]).toEqual([[OLD], before]);
  });

  test.each([[[]], [['--alone']], [['--plan']]])('keys set --from-mailgun %j refuses it too', async (more) => {
    const before = { current: NEW, parent: OLD };
    const { secrets, target, close } = await rotation(renew, before);
    const { exitCode, errors } = await runCommand(['keys', 'set', '--local', '--from-mailgun', ...more], {
      openDeployment: async () => target,
    });
    await close();
    expect([exitCode, errors.join()]).toEqual([1, expect.stringMatching(/belongs to the parent account.* pipe in/)]);
    expect(stored(secrets)).toEqual(before);
  });

  test('replaces a current key that is set as the parent key too', async () => {
    const { keys, rotate, close } = await rotation(
      (all, response) => {
        renew(all);
        response.end('{}');
      },
      { current: OLD, parent: OLD },
    );
    const { exitCode } = await rotate();
    await close();
    expect([exitCode, keys.length]).toEqual([0, 2]);
  });

  test.each([400, 403, 429])('says nothing of a replaced key where Mailgun refuses with %d', async (status) => {
    const { secrets, rotate, close } = await rotation((_, response) => response.writeHead(status).end('{}'));
    const { exitCode, text } = await rotate();
    await close();
    expect([exitCode, text]).toEqual([1, expect.stringMatching(new RegExp(`${status}`))]);
    expect(text).not.toContain('may be replaced');
    expect(stored(secrets)).toEqual({ current: OLD });
  });

  test('--help says that Mailgun signs with the new key only, and the order of the steps', async () => {
    const { lines } = await runCommand(['keys', 'rotate', '--help']);
    expect(lines.join('\n')).toMatch(/with the new key only[\s\S]*1\. this command[\s\S]*2\. keys set --from-mailgun/);
  });
});

describe('keys status', () => {
  const line = (facts: object) => parseLogEntry(1, JSON.stringify(facts));
  let verifier = keyFingerprint(NEW);
  const logs: Deployment['logs'] = async (source, _since, { message } = {}) => {
    if (source === 'webhook-access') return [...Array(9).fill('200'), '401', '503'].map((status) => line({ status }));
    if (message === 'webhook refused')
      return [
        line({ reason: 'unauthorized' }),
        line({ reason: 'unauthorized', Refused: 40 }),
        line({ reason: 'stale' }),
      ];
    if (message === 'webhooks verified by the current key') return [line({ fingerprint: verifier })];
    const previous = { key: 'previous', fingerprint: keyFingerprint(OLD) };
    return [line(previous), line(previous), line({ key: 'parent', fingerprint: keyFingerprint('key-parent-01') })];
  };
  const status = (secrets: Record<string, string>) =>
    runCommand(['keys', 'status', '--local', '--json'], {
      openDeployment: async () => stubDeployment({ ...stubSecrets(secrets, 1_790_000_000_000), logs }),
      now: () => 1_790_003_600_000,
    });

  test('shows which key verified the acknowledged webhooks', async () => {
    const { exitCode, json } = await status(secretsOf({ current: NEW, previous: OLD, parent: 'key-parent-01' }));
    const lines = json().map((each) => keysStatusLine.parse(each));
    expect(exitCode).toBe(0);
    expect(lines.at(-2)).toEqual({
      event: 'verified',
      since: '2026-09-21T14:13:20.000Z',
      current: 6,
      previous: 2,
      parent: 1,
      others: {},
      unauthorized: 41,
    });
    expect(lines.slice(0, 4)).toMatchObject([
      { key: 'current', set: true, fingerprint: keyFingerprint(NEW), since: '2026-09-21T14:13:20.000Z' },
      { key: 'previous', set: true },
      { key: 'parent', set: true },
      { key: 'apiKey', set: true },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/key-(old|new)/);
  });

  test('shows zero for a key that verified no webhook', async () => {
    verifier = keyFingerprint('key-right-0123456789');
    const { json } = await status(secretsOf({ current: NEW }));
    expect(json().find(({ event }) => event === 'verified')).toMatchObject({
      current: 0,
      others: { [verifier]: 6, [keyFingerprint(OLD)]: 2 },
    });
    verifier = keyFingerprint(NEW);
  });

  test('names the command that replaces a secret that holds no JSON object', async () => {
    const { exitCode, json } = await status(secretsOf('no JSON', 'no JSON'));
    const lines = json().map((each) => keysStatusLine.parse(each));
    expect([exitCode, lines.filter(({ event }) => event === 'unreadable')]).toEqual([
      1,
      [
        {
          event: 'unreadable',
          key: 'current',
          why: 'the secret SigningKeysSecretArn holds no JSON object',
          fix: 'npm run ledger -- keys set --from-mailgun --yes --local --port 4010',
        },
        {
          event: 'unreadable',
          key: 'apiKey',
          why: 'the secret ApiKeySecretArn holds no JSON object',
          fix: 'npm run ledger -- keys set --api-key --yes --local --port 4010 < api-key.txt',
        },
      ],
    ]);
  });

  test('prints one fix for a secret that holds no JSON object, although Mailgun signs with another key', async () => {
    const server = await listenOnLoopback((_, response) => response.end('{"http_signing_key":"key-right-0123456789"}'));
    const mailgunUrl = () => server.url;
    const { lines } = await runCommand(['keys', 'status', '--local'], {
      openDeployment: async () => stubDeployment({ ...stubSecrets(secretsOf('no JSON')), logs, mailgunUrl }),
    });
    await server.close();

    expect(lines.filter((each) => each.includes('fix: '))).toEqual([expect.stringContaining('--yes')]);
    expect(lines.at(-1)).toMatch(/which is NOT set here$/);
  });

  test.each([
    [{ current: NEW }, 'current', 0, /which is set here\.$/],
    [{ current: OLD, parent: NEW }, 'parent', 0, /which is set here\.$/],
    [{ current: OLD, previous: NEW }, 'previous', 0, /only previous here: .+; fix: .+ keys set --from-mailgun /],
    [{ current: OLD }, null, 1, /which is NOT set here; fix: .+ keys set --from-mailgun /],
  ])('compares %j with the key that Mailgun signs with', async (keys, key, code, says) => {
    const server = await listenOnLoopback((_, response) => response.end(JSON.stringify({ http_signing_key: NEW })));
    const target = stubDeployment({ ...stubSecrets(secretsOf(keys)), logs, mailgunUrl: () => server.url });
    const [json, text] = await Promise.all(
      [['--json'], []].map((flags) =>
        runCommand(['keys', 'status', '--local', ...flags], { openDeployment: async () => target }),
      ),
    );
    await server.close();
    const line = keysStatusLine.parse(json?.json().at(-1));
    expect(line).toMatchObject({ matches: key !== null, key });
    expect([text?.exitCode, text?.lines.at(-1)]).toEqual([code, expect.stringMatching(says)]);
  });

  test('fails if a required key is not set', async () => {
    expect((await status(secretsOf({}))).exitCode).toBe(1);
    expect((await status(secretsOf({ current: NEW }, {}))).exitCode).toBe(1);
  });
});
