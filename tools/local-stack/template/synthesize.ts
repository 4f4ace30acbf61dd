import { spawn } from 'node:child_process';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StackRun } from '../run/run.ts';
import { StartupError } from '../run/startup-error.ts';
import { AssemblyCache } from './assembly-cache.ts';
import type { Template } from './template.ts';

/** A synthesized stack: its template and its assets. */
export interface Assembly {
  readonly stackName: string;
  readonly region: string;
  readonly template: Template;
  /** Returns the folder of the asset with this object key. */
  assetFolder(objectKey: string): string;
}

/** A CDK app with one stack. */
interface CdkApp {
  /** Working directory of the command. */
  readonly folder: string;
  /** The command, as `app` in cdk.json. */
  readonly command: string;
  readonly context?: Readonly<Record<string, unknown>>;
  /** Variables added to those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Folder of the assembly cache: an app whose inputs have not changed is not run again. @default no cache */
  readonly kept?: string;
  /** Values of this run, by their placeholder in the assembly. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Runs the app as the CDK command line does, unless its assembly is cached. */
export async function synthesizeApp(app: CdkApp, run: StackRun): Promise<Assembly> {
  // Outside the project: bundles are CommonJS, and the project's package.json may say otherwise.
  const folder = join(run.temporaryFolder, 'cdk.out');
  const environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('CDK_'))),
    ...app.environment,
    CDK_CONTEXT_JSON: JSON.stringify({ ...app.context, 'aws:cdk:enable-path-metadata': true }),
  };
  const cache =
    app.kept === undefined
      ? undefined
      : new AssemblyCache({ project: app.folder, kept: app.kept }, [app.command, environment]);
  if (!cache?.copyTo(folder)) {
    // Filling the compile cache takes longer than one run gains, so the first start goes without.
    const NODE_COMPILE_CACHE = cache?.isEmpty() === false ? process.env.NODE_COMPILE_CACHE : undefined;
    await runApp(app, run, { ...process.env, ...environment, CDK_OUTDIR: folder, NODE_COMPILE_CACHE });
    await mapToProject(folder, app.folder);
    cache?.keep(folder);
  }
  return readAssembly(folder, app.values ?? {});
}

/** Completes source paths in source maps, which are relative to the app, so that a debugger finds the files. */
async function mapToProject(folder: string, project: string): Promise<void> {
  const sourceRoot = pathToFileURL(`${project}/`).href;
  for await (const file of glob(join(folder, 'asset.*/index.js.map'))) {
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), sourceRoot }));
  }
}

function runApp(
  { command, folder }: CdkApp,
  { processReaper, disposables }: StackRun,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      cwd: folder,
      env,
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Own process group, to be killed with the bundlers it starts.
      detached: true,
    });
    const group = -(child.pid ?? 0);
    processReaper.watch(group);
    disposables.add(() => {
      if (child.exitCode === null && child.signalCode === null) process.kill(group, 'SIGKILL');
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      processReaper.forget(group);
      if (code === 0) resolve();
      else reject(new StartupError(`The stack does not synthesize (${command}):\n${output.trimEnd()}`, 1));
    });
  });
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly properties?: { readonly templateFile?: string; readonly file?: string; readonly stackName?: string };
}

/** Reads a cloud assembly with one stack, and fills in the values of this run. */
async function readAssembly(folder: string, values: Readonly<Record<string, string>>): Promise<Assembly> {
  const readJson = async (file: string) => {
    const text = await readFile(join(folder, file), 'utf8');
    return JSON.parse(Object.entries(values).reduce((all, [held, value]) => all.replaceAll(held, value), text));
  };
  const artifacts = Object.entries<Artifact>((await readJson('manifest.json')).artifacts);
  const stacks = artifacts.filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  const [stack, ...others] = stacks;
  if (!stack || others.length > 0) {
    throw new StartupError(`The app holds ${stacks.length} stacks; the local stack runs exactly one.`, 1);
  }
  const [id, { environment = '', properties = {} }] = stack;

  const folders = new Map<string, string>();
  for (const [, artifact] of artifacts) {
    if (artifact.type !== 'cdk:asset-manifest' || !artifact.properties?.file) continue;
    const { files } = await readJson(artifact.properties.file);
    for (const { source, destinations } of Object.values<Asset>(files)) {
      for (const { objectKey } of Object.values(destinations)) folders.set(objectKey, join(folder, source.path));
    }
  }

  const region = environment.split('/').at(-1) ?? '';
  return {
    stackName: properties.stackName ?? id,
    region: region === '' || region === 'unknown-region' ? 'us-east-1' : region,
    template: await readJson(properties.templateFile ?? ''),
    assetFolder(objectKey) {
      const found = folders.get(objectKey);
      if (!found) throw new Error(`the assembly holds no asset ${objectKey}`);
      return found;
    },
  };
}

interface Asset {
  readonly source: { readonly path: string };
  readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
}
