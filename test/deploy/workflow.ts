import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

/** Returns the deploy workflow's commands after it has credentials, in order. */
function deploySteps(): string[] {
  const file = join(ROOT, '.github/workflows/deploy-environment.yml');
  const { steps } = parse(readFileSync(file, 'utf8')).jobs.deploy as { steps: Step[] };
  const credentials = steps.findIndex(({ uses }) => uses?.startsWith('aws-actions/configure-aws-credentials@'));
  return steps.slice(credentials + 1).flatMap(({ run }) => run ?? []);
}

/** Runs the deploy workflow's steps on an assembly, in a checkout of its own; rejects at the first failure. */
export async function deployByWorkflow(
  name: string,
  assembly: string,
  checkout: string,
  environment: NodeJS.ProcessEnv,
): Promise<string[]> {
  await mkdir(join(checkout, 'synthesized'), { recursive: true });
  for (const entry of readdirSync(ROOT)) symlinkSync(join(ROOT, entry), join(checkout, entry));
  await symlink(assembly, join(checkout, 'synthesized', name));
  const printed: string[] = [];
  for (const run of deploySteps()) printed.push(await bash(run, checkout, { ...environment, ENV: name }));
  return printed;
}

/** Runs a script like the CI runner: the first failing command ends the step. */
async function bash(script: string, cwd: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const env = { ...environment, PATH: `${join(ROOT, 'node_modules/.bin')}:${environment.PATH}`, ROLL_BACK: 'false' };
  const child = spawn('bash', ['-e', '-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, error, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${out}${error}`);
  return out;
}
