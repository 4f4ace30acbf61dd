import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { leaveOut } from './leave-out-resources.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The project's own CDK command line and app, run against an endpoint. */
export class Cdk {
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  bootstrap(): Promise<string> {
    return this.#cdk('bootstrap', '-c', 'env=dev');
  }

  /** Synthesizes an environment of cdk.json, or `dev` with an overlay, into a folder; returns the stack names. */
  async synth(name: string, overlay: object, folder: string): Promise<string[]> {
    const { app, context } = JSON.parse(await readFile(join(ROOT, 'cdk.json'), 'utf8'));
    const { environments } = context;
    const all = { ...environments, [name]: environments[name] ?? environments.dev };
    const CDK_CONTEXT_JSON = JSON.stringify({ ...context, environments: all, env: name, overlay });
    const [command, ...args] = (app as string).split(' ');
    await this.#run(command ?? '', args, { CDK_OUTDIR: folder, CDK_CONTEXT_JSON });
    return leaveOut(folder);
  }

  /** Deploys an assembly; rejects with the whole output if it fails. */
  deploy(folder: string): Promise<string> {
    return this.#cdk('deploy', '--app', folder, '--require-approval', 'never');
  }

  /** Returns how a deploy would change an environment's indexes; rejects if the check refuses it. */
  async indexes(name: string, folder: string): Promise<string> {
    const deployed = await this.#run(process.execPath, [join(ROOT, 'bin/deployed-template.ts'), name]);
    const file = join(folder, 'deployed.json');
    await writeFile(file, deployed);
    return this.#run(process.execPath, [join(ROOT, 'bin/refuse-update.ts'), name, folder, file]);
  }

  destroy(folder: string): Promise<string> {
    return this.#cdk('destroy', '--app', folder, '--force');
  }

  #cdk(...args: string[]): Promise<string> {
    return this.#run(process.execPath, [join(ROOT, 'node_modules/aws-cdk/bin/cdk'), ...args, '--ci']);
  }

  async #run(command: string, args: string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...this.#environment, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [out, error, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code}:\n${out}${error}`);
    return out + error;
  }
}
