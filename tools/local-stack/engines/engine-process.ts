import { type ChildProcess, spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { createServer } from 'node:net';
import type { Disposables } from '../run/disposables.ts';
import type { StackRun } from '../run/run.ts';
import { type Engine, request } from './engine.ts';
import type { DynamoDbEngine, EngineProgram } from './engine-program.ts';
import { connectEngine } from './remote-engine.ts';

/** Parts of a run that an engine uses. */
type EngineRun = Pick<StackRun, 'disposables' | 'logBuffer' | 'processReaper' | 'temporaryFolder'>;

const START_TRIES = 3;

/** Starts the program on a random port; resolves when it responds. */
export async function startEngineProcess(program: EngineProgram, run: EngineRun): Promise<DynamoDbEngine> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const started = spawnEngine(program, port, run);
    const engine = connect(program, port, started.child, run.disposables);
    try {
      await waitUntilReady(program, engine, started);
      started.child.once('exit', (code, signal) => {
        if (!run.disposables.closing) run.logBuffer.add('dynamodb', `ended: ${signal ?? code}; what it held is lost`);
      });
      return engine;
    } catch (error) {
      // Another process may take the port between the check and the engine's start.
      if (attempt === START_TRIES || run.disposables.closing) throw error;
    }
  }
}

interface EngineProcess {
  readonly child: ChildProcess;
  output(): string;
}

function spawnEngine(
  program: EngineProgram,
  port: number,
  { processReaper, temporaryFolder }: EngineRun,
): EngineProcess {
  const { file, args } = program.command(port, temporaryFolder);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const { pid } = child;
  if (pid !== undefined) {
    processReaper.watch(pid);
    child.once('exit', () => processReaper.forget(pid));
  }
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-2000);
    });
  }
  return { child, output: () => output };
}

function connect({ name }: EngineProgram, port: number, child: ChildProcess, disposables: Disposables): DynamoDbEngine {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  disposables.add(() => {
    agent.destroy();
    child.kill('SIGKILL');
    return exited;
  });
  const reach = (target: string) => connectEngine({ agent, port, target, accessKeyId: 'local' });
  return { ...reach('DynamoDB_20120810'), name, streams: reach('DynamoDBStreams_20120810') };
}

async function waitUntilReady(
  { title }: EngineProgram,
  engine: Engine,
  { child, output }: EngineProcess,
): Promise<void> {
  const gone = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`${title} did not start: ${output().trim()}`));
    child.once('exit', fail);
    child.once('error', fail);
  });
  await Promise.race([pollUntilReady(engine, child), gone]);
}

async function pollUntilReady(engine: Engine, child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    try {
      await request(engine, 'ListTables', {});
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
