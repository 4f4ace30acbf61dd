import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const FOLDER = join(import.meta.dirname, '../../.github/workflows');
const files = readdirSync(FOLDER);
const environments = Object.keys(JSON.parse(readFileSync(join(FOLDER, '../../cdk.json'), 'utf8')).context.environments);

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
  readonly env?: Record<string, string>;
}
interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly with?: Record<string, string>;
  readonly environment?: string;
  readonly concurrency?: string;
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Record<string, string>;
  readonly steps?: Step[];
  readonly strategy?: { readonly matrix: { readonly env: string[] } };
}
interface Workflow {
  readonly on: Record<string, unknown>;
  readonly permissions: object;
  readonly jobs: Record<string, Job>;
}
const read = (file: string) => parse(readFileSync(join(FOLDER, file), 'utf8')) as Workflow;
/** Returns what the policies of the pipelines page state. */
function policyStatements(): { Action: string; Resource: unknown; Condition?: unknown }[] {
  const page = readFileSync(join(FOLDER, '../../docs/pipelines.md'), 'utf8');
  return [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].flatMap(([, json = '']) => JSON.parse(json).Statement);
}
const stepsOf = (job: Job | undefined) => job?.steps ?? [];
const runsOf = (job: Job | undefined) => stepsOf(job).map(({ run }) => run ?? '');

test.each(files)('%s runs actions of one commit only, and may do nothing by default', (file) => {
  const { permissions, jobs } = read(file);
  expect(permissions).toEqual({ contents: 'read' });
  for (const [name, { uses, steps, permissions: own, ...job }] of Object.entries(jobs)) {
    const all = [uses, ...(steps ?? []).map((step) => step.uses)].filter((name) => name !== undefined);
    for (const action of all) expect(action).toMatch(/^\.\/|@[0-9a-f]{40}$/);
    if (steps) expect(job['timeout-minutes']).toBeGreaterThan(0);
    // It attaches what another job made, and runs no code of packages.
    const mayWrite = file === 'release.yml' && name === 'attach';
    expect(own?.contents === 'write').toBe(mayWrite);
  }
});

describe('the code of a pull request', () => {
  test.each(files.filter((file) => 'pull_request' in read(file).on))('holds no token where %s runs it', (file) => {
    for (const { permissions = {}, environment, uses } of Object.values(read(file).jobs)) {
      expect({ permissions, environment, uses }).toEqual({ permissions: {}, environment: undefined, uses: undefined });
    }
  });

  test.each(files.filter((file) => !('pull_request' in read(file).on)))('is not checked out by %s', (file) => {
    const checkouts = Object.values(read(file).jobs)
      .flatMap(stepsOf)
      .filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    for (const step of checkouts) expect(step.with).not.toHaveProperty('ref');
  });

  test('is compared only after the credentials have been used, and without them', () => {
    const steps = stepsOf(read('diff-environment.yml').jobs.diff);
    const credentials = steps.find(({ uses }) => uses?.startsWith('aws-actions/'));
    const holders = steps.flatMap(({ env }, index) => (env?.AWS_SESSION_TOKEN === undefined ? [] : [index]));
    const download = steps.findIndex(({ uses }) => uses?.startsWith('actions/download-artifact@'));

    expect(credentials?.with).toMatchObject({ 'output-env-credentials': false, 'output-credentials': true });
    expect(holders.map((index) => steps[index]?.run)).toEqual(['node bin/deployed-template.ts "$ENV" > deployed.json']);
    expect(download).toBeGreaterThan(holders[0] ?? Number.POSITIVE_INFINITY);
  });
});

test('no package runs a script of its own where a token can be had', () => {
  const jobs = files.flatMap((file) => Object.values(read(file).jobs));
  const installs = jobs.filter(({ permissions }) => permissions?.['id-token'] === 'write').flatMap(runsOf);

  expect(installs.filter((run) => run.startsWith('npm ci')).length).toBeGreaterThan(2);
  expect(installs.filter((run) => run.startsWith('npm ci') && run !== 'npm ci --ignore-scripts')).toEqual([]);
});

test('environments are deployed in turn, with prod last after a diff, and compared in pull requests and at night', () => {
  const { commit: _commit, synth, ...later } = read('deploy.yml').jobs;
  expect(synth?.uses).toBe('./.github/workflows/synthesize.yml');
  expect(Object.keys(later)).toEqual([...environments.slice(0, -1), 'diff-prod', 'prod']);
  expect(Object.values(later).map(({ needs }) => needs)).toEqual(['synth', ...Object.keys(later).slice(0, -1)]);
  expect(Object.entries(later).map(([name, job]) => [name, job.with?.env])).toEqual(
    Object.keys(later).map((name) => [name, name.replace('diff-', '')]),
  );
  const synthesizes = (run: string) => run.includes(`for env in ${environments.join(' ')};`);
  expect(runsOf(read('synthesize.yml').jobs.synthesize).some(synthesizes)).toBe(true);
  expect(read('diff.yml').jobs.diff?.strategy?.matrix.env).toEqual(environments);
  expect(read('drift.yml').jobs.drift?.strategy?.matrix.env).toEqual(environments);
});

test('the approval of prod comes after the diff of the deployed assembly, in the same run', () => {
  const { 'diff-prod': shown, prod } = read('deploy.yml').jobs;
  const [diff, deploy] = ['diff-environment.yml', 'deploy-environment.yml'].map((file) => {
    const steps = Object.values(read(file).jobs).flatMap(stepsOf);
    const [download] = steps.filter(({ uses }) => uses?.startsWith('actions/download-artifact@'));
    const [command] = steps.flatMap(({ run }) => /cdk (?:diff|deploy) --app (\S+)/.exec(run ?? '')?.[1] ?? []);
    return { download: download?.with, command };
  });
  const { name, path, 'run-id': run } = diff?.download ?? {};

  expect(prod?.needs).toBe('diff-prod');
  expect(run).toMatch(/^\$\{\{ inputs\.run \}\}$/);
  expect(shown?.with?.run).toMatch(/^\$\{\{ github\.run_id \}\}$/);
  // Without a run of its own a download takes that of the workflow it is called by.
  expect(deploy?.download).toEqual({ name, path });
  expect([diff?.command, deploy?.command]).toEqual(['"synthesized/$ENV"', '"synthesized/$ENV"']);
});

test('a commit that was never on main is not deployed', () => {
  const { jobs, on } = read('deploy.yml');
  expect(on).toHaveProperty('workflow_dispatch.inputs.commit.required', true);
  expect(runsOf(jobs.commit).join('\n')).toContain('git merge-base --is-ancestor "$commit" origin/main');
  expect(jobs.synth?.needs).toBe('commit');
});

test('a deploy waits for the one before it in its environment, and a check of main is not cancelled', () => {
  expect(read('deploy-environment.yml').jobs.deploy?.concurrency).toMatch(/^deploy-\$\{\{ inputs\.env \}\}$/);
  expect(readFileSync(join(FOLDER, 'check.yml'), 'utf8')).toMatch(
    /cancel-in-progress: \$\{\{ github\.event_name == 'pull_request' \}\}/,
  );
});

test('a deploy may take as long as the index of a large table, and its credentials last longer', () => {
  const { deploy } = read('deploy-environment.yml').jobs;
  const credentials = stepsOf(deploy).find(({ uses }) => uses?.startsWith('aws-actions/'));
  const minutes = deploy?.['timeout-minutes'] ?? 0;

  expect(minutes).toBeGreaterThanOrEqual(5 * 60);
  expect(Number(credentials?.with?.['role-duration-seconds'])).toBeGreaterThanOrEqual(minutes * 60);
});

test('before a deploy the indexes are compared with the deployed ones, and prod names its alarms', () => {
  const runs = runsOf(read('deploy-environment.yml').jobs.deploy);
  const order = ['bin/deployed-template.ts', 'bin/refuse-update.ts', 'cdk deploy', 'send-test --if-key'];

  const places = order.map((part) => runs.findIndex((run) => run.includes(part)));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places).not.toContain(-1);
  expect(read('deploy.yml').jobs.prod?.with).toHaveProperty('roll-back');
});

test('workflows pass values to a shell only by environment variables', () => {
  const runs = files.flatMap((file) => Object.values(read(file).jobs).flatMap(runsOf));
  expect(runs.filter((run) => /\$\{\{/.test(run))).toEqual([]);
});

test('each policy of the pipelines page is JSON, with actions and resources', () => {
  const statements = policyStatements();

  expect(statements.length).toBeGreaterThan(3);
  const texts = statements.map(({ Action, Resource }) => JSON.stringify([Action, Resource]));
  expect(texts.filter((text) => /"\*"|:\*"/.test(text))).toEqual([]);
});

test('the deploy role of an environment reads only its secrets, and decrypts only with its key', () => {
  const secret = policyStatements().filter(({ Action }) => /^(kms|secretsmanager):/.test(Action));

  expect(secret.map(({ Action, Condition }) => [Action, Condition])).toEqual(
    ['secretsmanager:GetSecretValue', 'kms:Decrypt'].map((action) => [
      action,
      { StringEquals: { 'aws:ResourceTag/app': 'mailgun-ledger', 'aws:ResourceTag/env': '<env>' } },
    ]),
  );
});

describe('a release', () => {
  const { check, pack, publish, attach } = read('release.yml').jobs;

  test('is packed once, after CI, and published and attached as it was packed', () => {
    expect([pack, publish, attach].map((job) => job?.needs)).toEqual(['check', 'pack', 'publish']);
    expect(runsOf(check).filter(Boolean)).toEqual(['.ci/run']);
    expect(runsOf(pack).filter((run) => run.includes('npm pack'))).toHaveLength(1);
    expect([publish, attach].flatMap(runsOf).filter((run) => /npm (ci|install|pack|run)/.test(run))).toEqual([]);
  });

  test('has notes, an SBOM and its provenance, and no template, which would be of one configuration', () => {
    const runs = [pack, publish, attach].flatMap(runsOf).join('\n');

    for (const part of ['release-notes.ts', 'npm sbom', '--provenance']) expect(runs).toContain(part);
    expect(runs).not.toMatch(/cdk|template/);
  });
});
