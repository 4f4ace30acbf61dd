import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const FOLDER = join(import.meta.dirname, '../../.github/workflows');
const files = readdirSync(FOLDER);
const environments = Object.keys(JSON.parse(readFileSync(join(FOLDER, '../../cdk.json'), 'utf8')).context.environments);

interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly with?: { readonly env?: string };
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Record<string, string>;
  readonly steps?: { readonly uses?: string; readonly run?: string }[];
  readonly strategy?: { readonly matrix: { readonly env: string[] } };
}
const read = (file: string) =>
  parse(readFileSync(join(FOLDER, file), 'utf8')) as { permissions: object; jobs: Record<string, Job> };

test.each(files)('%s runs actions of one commit only, and may do nothing by default', (file) => {
  const { permissions, jobs } = read(file);
  expect(permissions).toEqual({ contents: 'read' });
  for (const { uses, steps, permissions: own, ...job } of Object.values(jobs)) {
    const all = [uses, ...(steps ?? []).map((step) => step.uses)].filter((name) => name !== undefined);
    for (const name of all) expect(name).toMatch(/^\.\/|@[0-9a-f]{40}$/);
    if (steps) expect(job['timeout-minutes']).toBeGreaterThan(0);
    expect(own ?? {}).not.toHaveProperty('contents', 'write');
  }
});

test('every environment is deployed in turn, prod last, and shown in the diff', () => {
  const { synth, ...deploys } = read('deploy.yml').jobs;
  expect(Object.values(deploys).map((job) => job.with?.env)).toEqual(environments);
  expect(Object.values(deploys).map(({ needs }) => needs)).toEqual(['synth', ...Object.keys(deploys).slice(0, -1)]);
  expect(synth?.steps?.some(({ run }) => run?.includes(`for env in ${environments.join(' ')};`))).toBe(true);
  expect(read('check.yml').jobs.diff?.strategy?.matrix.env).toEqual(environments);
});

test('the indexes are held against those that are deployed, before a deploy', () => {
  const runs = (read('deploy-environment.yml').jobs.deploy?.steps ?? []).map(({ run }) => run ?? '');
  const gate = runs.findIndex((run) => run.startsWith('node bin/one-index.ts synthesized/'));

  expect(gate).toBeGreaterThan(-1);
  expect(runs.findIndex((run) => run.includes('cdk deploy'))).toBeGreaterThan(gate);
});

test('nothing that anybody may write is put into a shell', () => {
  for (const file of files) {
    const runs = Object.values(read(file).jobs).flatMap(({ steps }) => (steps ?? []).map(({ run }) => run ?? ''));
    const inserted = runs.flatMap((run) => [...run.matchAll(/\$\{\{\s*([^}]+?)\s*\}\}/g)].map(([, name]) => name));
    expect(inserted.filter((name) => !['matrix.env', 'inputs.env'].includes(name ?? ''))).toEqual([]);
  }
});
