import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import packagedChromium from '@sparticuz/chromium';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { listenOnLoopback } from '../../../tools/local-stack/run/listener.ts';
import { MAX_RETRIES } from '../stacks/patience.ts';

const USUAL_PLACES = ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const PATIENCE_MS = 150_000;

export interface TestBrowser {
  readonly context: BrowserContext;
  /** Opens a new page at this URL. */
  open(url: string): Promise<Page>;
  close(): Promise<void>;
}

/** Starts a headless Chromium with a new profile. */
export async function startBrowser(): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'mailgun-ledger-browser-'));
  const context = await launch(profile, await findChromium());
  // On a busy machine a view may take longer than the usual 30 s; each test has a limit of its own.
  context.setDefaultTimeout(PATIENCE_MS);
  return {
    context,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** Launches it, once the process of another test file has unpacked it. */
async function launch(profile: string, executablePath: string): Promise<BrowserContext> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: FLAGS });
    } catch (error) {
      if (retries === MAX_RETRIES || !/ETXTBSY|EACCES/.test(String(error))) throw error;
      await sleep(1000);
    }
  }
}

/** Returns the browser named in the environment, else the packaged one (x64 Linux only), else an installed one. */
export async function findChromium(): Promise<string> {
  const { CHROMIUM_PATH } = process.env;
  if (CHROMIUM_PATH) return CHROMIUM_PATH;
  if (process.platform === 'linux' && process.arch === 'x64') return packagedChromium.executablePath();
  const found = USUAL_PLACES.find((path) => existsSync(path));
  if (found === undefined) throw new Error('the tests of pages need Chromium: install it, or set CHROMIUM_PATH');
  return found;
}

/**
 * Serves an empty page on an origin of its own: Chromium denies a page without a server access to this machine's
 * network.
 */
export async function servePage(html = '<!doctype html><link rel="icon" href="data:,"><title>a page</title>') {
  const { url, close } = await listenOnLoopback((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(html),
  );
  return { origin: url, close };
}

export type ServedPage = Awaited<ReturnType<typeof servePage>>;
