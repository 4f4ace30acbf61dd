import { execFile } from 'node:child_process';
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
}
const FOLDER = join(import.meta.dirname, '../../.github/workflows');
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
    return bash(step, { ROLL_BACK, ENV: 'prod', ACCOUNT: '1' });
  };

  test('without rollback removes the alarms that CloudFormation keeps of an earlier deploy', async () => {
    const { stdout } = await run('false', 'echo --rollback-trigger-alarm-arns=a');

    expect(stdout).toMatch(/^cdk deploy .* --rollback-trigger-alarm-arns=none$/m);
  });

  test('with rollback names each alarm', async () => {
    const { stdout } = await run(
      'true',
      'printf -- "--rollback-trigger-alarm-arns=a\\n--monitoring-time-minutes=10\\n"',
    );

    expect(stdout).toMatch(/never --rollback-trigger-alarm-arns=a --monitoring-time-minutes=10$/m);
  });

  test('is not begun where the alarms cannot be chosen', async () => {
    expect(await run('true', 'exit 1')).toEqual({ stdout: '', failed: true });
  });
});
