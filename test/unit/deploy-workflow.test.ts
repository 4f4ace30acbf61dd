import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';

// The scripts of the workflow's steps, in bash; what they call outside of this repository is a script of the test.

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly env?: Record<string, string>;
}
const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, '.github/workflows');
const read = (file: string) => parse(readFileSync(join(FOLDER, file), 'utf8')).jobs;

/** Returns the only step of a job whose script contains a text. */
function stepOf({ steps }: { readonly steps: readonly Step[] }, part: string): Step & { readonly run: string } {
  const [step, ...others] = steps.filter(({ run }) => run?.includes(part));
  if (step?.run === undefined || others.length > 0) throw new Error(`not one step runs ${part}`);
  return { ...step, run: step.run };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deploy-workflow-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function command(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** Runs a script as the runner does; returns what it printed, and whether it failed. */
async function bash({ run }: { readonly run: string }, variables: NodeJS.ProcessEnv, cwd = folder) {
  const env = { ...variables, PATH: `${folder}:${process.env.PATH}` };
  return promisify(execFile)('bash', ['-e', '-c', run], { cwd, env }).then(
    ({ stdout }) => ({ stdout, failed: false }),
    ({ stdout }) => ({ stdout: stdout as string, failed: true }),
  );
}

describe('a deploy of an environment', () => {
  const { deploy } = read('deploy-environment.yml');
  const step = stepOf(deploy, 'npx cdk deploy');
  const run = (ROLL_BACK: string, node: string) => {
    command('npx', 'echo "$@"');
    command('node', node);
    return bash(step, { ROLL_BACK, ENV: 'prod', ACCOUNT: '333333333333' });
  };

  test('without rollback removes the alarms that CloudFormation keeps of an earlier deploy', async () => {
    const { stdout } = await run('false', 'echo --rollback-trigger-alarm-arns=a');

    expect(stdout).toMatch(/^cdk deploy .* --rollback-trigger-alarm-arns=none$/m);
  });

  test('with rollback names each alarm, in the region of the environment', async () => {
    const Resources = { A: { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmName: 'prod-dead-letters' } } };
    writeFileSync(join(folder, 'deployed.json'), JSON.stringify({ Resources }));

    const { stdout } = await run('true', `"${process.execPath}" "${ROOT}/$1" "\${@:2}"`);

    const alarm = 'arn:aws:cloudwatch:eu-west-1:333333333333:alarm:prod-dead-letters';
    expect(stdout).toMatch(new RegExp(`never --rollback-trigger-alarm-arns=${alarm} --monitoring-time-minutes=10\n$`));
  });

  test('is not begun where the alarms cannot be chosen', async () => {
    expect(await run('true', 'exit 1')).toEqual({ stdout: '', failed: true });
  });
});

describe('an older commit', () => {
  const { commit, synth } = read('deploy.yml');
  const { deploy } = read('deploy-environment.yml');

  test.each([
    ['is not deployed after its check', 'workflow_run', 'first', undefined],
    ['is deployed by hand', 'workflow_dispatch', 'first', 'first'],
    ['is no more than the head', 'workflow_run', 'main', 'main'],
  ])('%s', async (_, GITHUB_EVENT_NAME, COMMIT, expected) => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args], { cwd: folder }).toString();
    git('init', '-q', '-b', 'main', 'origin');
    const of = (name: string) => {
      git('-C', 'origin', 'commit', '-q', '--allow-empty', '-m', name);
      return git('-C', 'origin', 'rev-parse', 'HEAD').trim();
    };
    const commits: Record<string, string> = { first: of('first'), main: of('main') };
    git('clone', '-q', 'origin', 'clone');
    const output = join(folder, 'output');
    writeFileSync(output, '');
    const variables = { GITHUB_EVENT_NAME, COMMIT: commits[COMMIT], GITHUB_OUTPUT: output };

    const { failed } = await bash(stepOf(commit, 'merge-base'), variables, join(folder, 'clone'));

    expect(failed).toBe(false);
    expect(readFileSync(output, 'utf8')).toBe(expected === undefined ? '' : `commit=${commits[expected]}\n`);
    expect(synth.if).toBe("needs.commit.outputs.commit != ''");
  });

  test.each([
    ['still the head of main', 'abc', false],
    ['older than the head of main by then', 'old', true],
  ])('that waited for its approval: %s', async (_, COMMIT, expected) => {
    command('gh', 'echo abc');
    const step = stepOf(deploy, 'gh api');

    const { failed } = await bash(step, { COMMIT, GITHUB_REPOSITORY: 'o/r' });

    expect(failed).toBe(expected);
    expect(step.if).toBe("github.event_name != 'workflow_dispatch'");
    expect(step.env?.COMMIT).toContain('github.event.workflow_run.head_sha');
    expect(deploy.steps[0].run).toBe(step.run);
  });

  test('is not deployed where the head of main is not known', async () => {
    command('gh', 'exit 1');

    expect(await bash(stepOf(deploy, 'gh api'), { COMMIT: '', GITHUB_REPOSITORY: 'o/r' })).toMatchObject({
      failed: true,
    });
  });
});
