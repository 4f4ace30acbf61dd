import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InstalledPackage } from '../support/cli/installed-package.ts';
import { DOMAIN } from '../support/fixtures/webhooks.ts';
import { Cdk } from './cdk.ts';
import { Deployed } from './deployed.ts';
import { type Endpoint, NoEmulator, openEndpoint } from './emulator.ts';
import { FailedDeploy } from './failed-deploy.ts';
import { leaveOut } from './leave-out-resources.ts';
import { ledger } from './ledger.ts';
import { RestoredTable, SET_BY_HAND } from './restored-table.ts';
import { PATIENCE_MS, within } from './retry-within.ts';
import { Subscriber } from './subscriber.ts';
import { deployByWorkflow } from './workflow.ts';

const HELP = `npm run test:deploy

Deploys the stack for real, with the CDK command line, to an AWS emulator that it installs from PyPI and
starts as a process of its own; or to the endpoint that AWS_ENDPOINT_URL names. Takes about five minutes.

Exit code: 0 all steps passed, or the emulator cannot be installed here (it says SKIPPED); 1 a step failed.`;

const KEY = randomBytes(16).toString('hex');
const WEBHOOKS = 100;
const FOREIGN_APP = `
import { App, Stack } from 'aws-cdk-lib';
import { MailgunLedger } from 'mailgun-ledger';
new MailgunLedger(new Stack(new App(), 'Foreign'), 'Ledger', { domains: [{ name: '${DOMAIN}', region: 'eu' }] });
`;

const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const project = join(import.meta.dirname, '../..');
const emulatorFolder = join(project, '.local/emulator');
mkdirSync(join(project, '.local'), { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'mailgun-ledger-deploy-'));
let passed = 0;

try {
  const endpoint = await openEndpoint(emulatorFolder, say);
  try {
    await deployEverything(endpoint);
  } finally {
    await endpoint.close();
  }
  console.log(`\ndeployed for real: ${passed} passed, 0 failed`);
} catch (error) {
  if (error instanceof NoEmulator) {
    console.log(`\nSKIPPED: nothing was deployed. ${error.message}`);
  } else {
    console.error(error);
    console.log(`\ndeployed for real: ${passed} passed, 1 failed`);
    process.exitCode = 1;
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function deployEverything({ url }: Endpoint): Promise<void> {
  const environment = {
    ...process.env,
    // An account id is cached by access key, in HOME, so both are new in each run.
    HOME: work,
    AWS_ENDPOINT_URL: url,
    AWS_S3_FORCE_PATH_STYLE: '1',
    AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID ?? `local${randomBytes(6).toString('hex')}`,
    AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? 'local',
    AWS_REGION: 'us-east-1',
    CDK_DISABLE_CLI_TELEMETRY: '1',
  };
  Object.assign(process.env, environment);
  const cdk = new Cdk(environment);
  const folder = (name: string) => join(work, name);
  const whole = { publish: { enabled: true }, dashboard: { enabled: true } };
  // Reconcile runs every minute, so that the test can wait for it.
  const often = { ...whole, reconcile: { everySeconds: 60 } };

  await step('bootstrap', () => cdk.bootstrap());
  // The emulator does not support signing keys.
  const kept = {
    ...whole,
    protectData: true,
    seal: { enabled: true, sign: false },
    alarms: { notify: true, page: ['on-call@mailgun-ledger.internal'] },
  };
  await step('a first deploy that fails leaves the protected table alone, and can be repeated', async () => {
    // Changes the template: an asset is not uploaded again under the same hash.
    await cdk.synth('protected', { ...kept, processing: { batchSize: 6 } }, folder('failing'));
    breakTemplate(folder('failing'));
    equal(await outcomeOf(cdk.deploy(folder('failing'))), 'failed');
    const failed = await FailedDeploy.find('mailgun-ledger-protected');
    equal(failed.status, 'ROLLBACK_COMPLETE');
    equal(sayLeft(await failed.left()), { 'AWS::DynamoDB::Table': 1 });
    await failed.recover();
  });
  await step('deploy an environment whose data is protected', async () => {
    for (const line of await cdk.synth('dev', often, folder('dev'))) say(line);
    await cdk.synth('protected', kept, folder('protected'));
    await cdk.deploy(folder('protected'));
  });
  await step('deploy dev from nothing by the steps of the workflow, which wait for no key', async () => {
    const printed = await deployByWorkflow('dev', folder('dev'), folder('checkout'), environment);
    const notReady = 'Not set up yet: the stack has no signing key; keys set stores one.';
    equal([printed.length, printed.at(-1)?.includes(notReady)], [4, true]);
  });
  const dev = await Deployed.find('dev');
  const other = await Deployed.find('protected');

  await step('refuse every webhook while no key is set, so that Mailgun tries again', async () => {
    equal(await dev.post('key-not-set', 1, { retryMs: 0 }), { 503: 1 });
  });
  await step('set the signing keys', async () => {
    const { exitCode, out } = await ledger(['keys', 'set', '--env', 'dev'], `${KEY}\n`);
    const [set, alarm = ''] = out.replace(/ [0-9a-f]{8} /, ' ').split('\n');
    equal([exitCode, set], [0, 'Signing key is set. Ingest takes it within 30 seconds.']);
    equal(alarm.startsWith('The alarm signing-key-unusable, if it is on, is OK by '), true);
    await other.setKey('key-protected');
  });
  const subscriber = await Subscriber.of('mailgun-ledger-dev');
  await step(`take ${WEBHOOKS} webhooks, and every one of them a second time`, async () => {
    equal(await dev.post(KEY, WEBHOOKS, { twice: true }), { 200: 2 * WEBHOOKS });
  });
  await step(`read ${WEBHOOKS} back from the read API, each stored once`, async () => {
    await within(PATIENCE_MS, async () => equal(await dev.storedOnce(), WEBHOOKS));
  });
  await step(`publish ${WEBHOOKS} changes of status`, async () => {
    await within(PATIENCE_MS, async () => equal(await subscriber.delivered(), WEBHOOKS));
    await subscriber.unsubscribe();
  });
  // Without send-test and access logs: only the emulator resolves its host names, and it logs no access.
  await step('report the status to the operator', async () => {
    const asked = async (...args: string[]) => {
      const { exitCode, out } = await ledger([...args, '--env', 'dev', '--json']);
      return {
        exitCode,
        lines: out
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      };
    };
    await within(PATIENCE_MS, async () => {
      const { exitCode, lines } = await asked('status');
      const [{ health, backlog, deadLetters, domains, unknown }] = lines;
      const last = domains[0].lastEvent.type;
      // Without an API key, what is missing is unknown.
      equal([exitCode, health, backlog, deadLetters, last, unknown], [1, 'unknown', 0, 0, 'delivered', []]);
    });
    const logs = await asked('logs', 'ingest', '--since', '1h');
    const isRefusal = ({ facts }: { facts: Record<string, unknown> }) => facts.reason === 'signing-key-unset';
    equal([logs.exitCode, logs.lines.some(isRefusal)], [0, true]);
    const plan = await asked('replay', '--from', '2h', '--to', '1h', '--plan');
    equal([plan.exitCode, plan.lines[0].why], [1, 'stopped: the stack has no Mailgun API key']);
    const doctor = await asked('doctor');
    const states = Object.fromEntries(doctor.lines.map(({ check, state }) => [check, state]));
    // Without an API key, the registered webhooks are unknown.
    const { stack, bootstrap, 'signing key': key, [`webhooks of ${DOMAIN}`]: webhooks } = states;
    equal([doctor.exitCode, stack, bootstrap, key, webhooks], [1, 'ok', 'ok', 'ok', 'skipped']);
    const dlq = await asked('dlq', 'list');
    equal([dlq.exitCode, dlq.lines], [0, [{ event: 'dead-letters', count: 0, complete: true }]]);
  });
  await step('keep the environments apart', async () => {
    equal(await other.post(KEY, 1), { 401: 1 });
    equal(await other.post('key-protected', 3), { 200: 3 });
    await within(PATIENCE_MS, async () => equal(await other.storedOnce(), 3));
    equal([await dev.items('E'), await other.items('E')], [WEBHOOKS, 3]);
  });
  await step("restore a stack's table that was deleted, under the same name, and receive changes again", async () => {
    const name = 'mailgun-ledger-protected';
    const table = new RestoredTable(other.output('TableName'));
    const { tags } = await table.settings();
    await table.loseAndRestore();
    equal(await other.storedOnce(), 3);
    equal((await table.drift(name)).length > 0, true);
    await table.setByHand(tags);
    equal([await table.settings(), await table.drift(name)], [{ ...SET_BY_HAND, tags }, []]);
    const bus = await Subscriber.of(name);
    await cdk.synth('protected', { ...kept, publish: { enabled: false } }, folder('quiet'));
    await cdk.deploy(folder('quiet'));
    // The changed tag makes CloudFormation read the table again, and so its new stream.
    await cdk.synth('protected', { ...kept, tags: { restored: '2026-11-29' } }, folder('restored'));
    await cdk.deploy(folder('restored'));
    equal(await table.drift(name), []);
    equal(await other.post('key-protected', 2), { 200: 2 });
    await within(PATIENCE_MS, async () => equal([await other.storedOnce(), await bus.delivered()], [5, 2]));
    await bus.unsubscribe();
  });
  await step('run reconcile by its schedule', () =>
    within(PATIENCE_MS, async () => equal((await dev.scheduledRuns()) > 0, true)),
  );
  await step('deploy a change: same URLs, keys and data', async () => {
    const before = dev.addresses();
    await cdk.synth('dev', { ...often, processing: { batchSize: 5 } }, folder('changed'));
    equal(await cdk.indexes('dev', folder('changed')), 'mailgun-ledger-dev: indexes as deployed\n');
    await cdk.deploy(folder('changed'));
    const changed = await Deployed.find('dev');
    equal(changed.addresses(), before);
    equal(await dev.post(KEY, 1), { 200: 1 });
    await within(PATIENCE_MS, async () => equal(await dev.storedOnce(), WEBHOOKS + 1));
  });
  await step('refuse two indexes in one deploy', async () => {
    await cdk.synth('dev', often, folder('indexed'));
    addIndexes(folder('indexed'), 'one', 'two');
    const said = await cdk.indexes('dev', folder('indexed')).catch(({ message }: Error) => message);
    equal([said.includes('ended with 1'), said.includes('indexes + one, + two')], [true, true]);
  });
  await step('roll back a deploy that fails, and stay at work', async () => {
    await cdk.synth('dev', { ...often, processing: { batchSize: 6 } }, folder('broken'));
    breakTemplate(folder('broken'));
    equal([await outcomeOf(cdk.deploy(folder('broken'))), await dev.status()], ['failed', 'UPDATE_ROLLBACK_COMPLETE']);
    equal(await dev.post(KEY, 1), { 200: 1 });
    await within(PATIENCE_MS, async () => equal(await dev.storedOnce(), WEBHOOKS + 2));
  });

  await step('deploy the packed package in an app of another project, and store what it receives', async () => {
    const installed = await InstalledPackage.create();
    try {
      const env = { CDK_OUTDIR: folder('foreign'), CDK_VALIDATION: 'false' };
      const app = installed.write('app.mjs', FOREIGN_APP);
      const { exitCode, stderr } = await installed.run(process.execPath, [app], { env });
      if (exitCode !== 0) throw new Error(stderr);
    } finally {
      installed.remove();
    }
    await leaveOut(folder('foreign'));
    await cdk.deploy(folder('foreign'));
    const foreign = await Deployed.findStack('Foreign');
    await foreign.setKey(KEY);
    equal(await foreign.post(KEY, 3), { 200: 3 });
    await within(PATIENCE_MS, async () => equal(await foreign.storedOnce(), 3));
    const { exitCode, out } = await ledger(['dlq', 'list', '--stack', 'Foreign', '--json']);
    equal([exitCode, JSON.parse(out)], [0, { event: 'dead-letters', count: 0, complete: true }]);
    await cdk.destroy(folder('foreign'));
  });

  await step('destroy dev: nothing is left', async () => {
    const all = await dev.resources();
    await cdk.destroy(folder('changed'));
    equal(sayLeft(await dev.leftOf(all)), {});
  });
  await step('destroy the other: table, secrets and archive are left', async () => {
    await other.allowTermination();
    const all = await other.resources();
    await cdk.destroy(folder('restored'));
    equal(sayLeft(await other.leftOf(all)), {
      'AWS::DynamoDB::Table': 1,
      'AWS::S3::Bucket': 1,
      'AWS::SecretsManager::Secret': 6,
    });
    equal(await other.items('E'), 5);
  });
}

function outcomeOf(deploy: Promise<unknown>): Promise<'deployed' | 'failed'> {
  return deploy.then(
    () => 'deployed',
    () => 'failed',
  );
}

/** Prints each resource; returns the number of each type, sorted by type. */
function sayLeft(left: readonly string[]): Record<string, number> {
  for (const line of left) say(`left: ${line}`);
  if (left.length === 0) say('left: nothing');
  const types = left.map((line) => line.split(' ')[0] ?? '').toSorted();
  return Object.fromEntries(types.map((type) => [type, types.filter((each) => each === type).length]));
}

/** Adds a function with a nonexistent layer as the last resource: it cannot be created, neither on AWS nor here. */
function breakTemplate(folder: string): void {
  changeTemplate(folder, (resources) => {
    const [, ingest] = Object.entries(resources).find(
      ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith('Ingest'),
    ) as [string, Resource];
    const Layers = [`arn:aws:lambda:us-east-1:000000000000:layer:none-${randomUUID()}:1`];
    const DependsOn = Object.keys(resources);
    resources.Broken = { Type: ingest.Type, Properties: { ...ingest.Properties, Layers }, DependsOn };
  });
}

function addIndexes(folder: string, ...names: string[]): void {
  changeTemplate(folder, (resources) => {
    const table = Object.values(resources).find(({ Type }) => Type === 'AWS::DynamoDB::Table');
    const { GlobalSecondaryIndexes: indexes } = (table as TableResource).Properties;
    indexes.push(...names.map((IndexName) => ({ ...indexes[0], IndexName })));
  });
}

function changeTemplate(folder: string, change: (resources: Record<string, Resource>) => void): void {
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.template.json'));
  const path = join(folder, name);
  const template = JSON.parse(readFileSync(path, 'utf8'));
  change(template.Resources);
  writeFileSync(path, JSON.stringify(template));
}

interface Resource {
  readonly Type: string;
  readonly Properties: object;
  readonly DependsOn?: readonly string[];
}

interface TableResource extends Resource {
  readonly Properties: { readonly GlobalSecondaryIndexes: object[] };
}

async function step(what: string, act: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  await act();
  passed += 1;
  console.log(`ok  ${what} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
}

function say(line: string): void {
  console.log(`    ${line}`);
}

function equal(got: unknown, wanted: unknown): void {
  const [is, must] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (is !== must) throw new Error(`got ${is}, wanted ${must}`);
}
