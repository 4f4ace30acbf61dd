import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import type { StackRun } from '../local-stack/run/run.ts';
import { commandTarget, PROJECT_ROOT } from './stack-settings.ts';

/** Parts of a run that the page uses. */
type PageRun = Pick<StackRun, 'disposables' | 'mainListener' | 'temporaryFolder'>;

interface PageFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

/**
 * Serves the page as a deployment does: the same files and headers, nothing else. It is built on the first request,
 * since most runs never request it; a failed build becomes a 500, and the next request retries.
 */
export function createDashboard(apiUrl: string, run: PageRun): RequestListener {
  let built: Promise<ReadonlyMap<string, PageFile>> | undefined;
  return async ({ method, url }, outgoing) => {
    if (method !== 'GET' && method !== 'HEAD') {
      outgoing.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    built ??= buildPage(apiUrl, run).catch((error) => {
      built = undefined;
      throw error;
    });
    try {
      const path = (url ?? '/').split('?')[0] ?? '/';
      const file = (await built).get(path === '/' ? '/index.html' : path);
      if (file === undefined) outgoing.writeHead(404).end();
      else outgoing.writeHead(200, file.headers).end(method === 'GET' ? file.content : undefined);
    } catch (error) {
      outgoing.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(String(error));
    }
  };
}

async function buildPage(apiUrl: string, run: PageRun): Promise<ReadonlyMap<string, PageFile>> {
  const folder = join(run.temporaryFolder, 'dashboard');
  await build([folder, apiUrl, commandTarget(run)], run);
  const headersByName: Record<string, Record<string, string>> = JSON.parse(
    await readFile(join(folder, 'headers.json'), 'utf8'),
  );
  const files = Object.entries(headersByName).map(
    async ([name, headers]) => [`/${name}`, { headers, content: await readFile(join(folder, name)) }] as const,
  );
  return new Map(await Promise.all(files));
}

/** Builds in a process of its own: the local stack shares no code with what it runs. */
function build(args: readonly string[], { disposables }: PageRun): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(PROJECT_ROOT, 'dashboard/build.ts'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    disposables.add(() => child.kill('SIGKILL'));
    let troubles = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      troubles += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the dashboard does not build:\n${troubles.trimEnd()}`));
    });
  });
}
