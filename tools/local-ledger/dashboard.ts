import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import type { Run } from '../local-stack/run/run.ts';
import { StartupError } from '../local-stack/run/startup-error.ts';
import { commandTarget, PROJECT_ROOT } from './product.ts';

/** Builds the page as a deployment does, and answers what serves it: those files with those headers, and nothing else. */
export async function createDashboard(apiUrl: string, run: Run): Promise<RequestListener> {
  const folder = join(run.temporaryFolder, 'dashboard');
  await build([folder, apiUrl, commandTarget(run)], run);
  const headers: Record<string, Record<string, string>> = JSON.parse(
    await readFile(join(folder, 'headers.json'), 'utf8'),
  );
  const files = new Map<string, { headers: Record<string, string>; content: Buffer }>();
  for (const [name, own] of Object.entries(headers)) {
    files.set(`/${name}`, { headers: own, content: await readFile(join(folder, name)) });
  }
  const index = files.get('/index.html');
  return ({ method, url }, outgoing) => {
    const path = (url ?? '/').split('?')[0] ?? '/';
    const file = path === '/' ? index : files.get(path);
    if (method !== 'GET' && method !== 'HEAD') outgoing.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (file === undefined) outgoing.writeHead(404).end();
    else outgoing.writeHead(200, file.headers).end(method === 'GET' ? file.content : undefined);
  };
}

/** In a process of its own: the local stack shares no code with what it runs. */
function build(args: readonly string[], { disposables }: Run): Promise<void> {
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
      else reject(new StartupError(`The dashboard does not build:\n${troubles.trimEnd()}`, 1));
    });
  });
}
