import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packagedChromium from '@sparticuz/chromium';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { listenOnLoopback } from '../../tools/local-stack/run/listener.ts';

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

export interface TestBrowser {
  readonly context: BrowserContext;
  /** A new page at this address. */
  open(url: string): Promise<Page>;
  close(): Promise<void>;
}

/** A headless Chromium with a profile of its own. */
export async function startBrowser(): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'mailgun-ledger-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await findChromium(),
    headless: true,
    args: FLAGS,
  });
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

/** Returns the browser that the environment names, else the packaged one (x64 Linux only), else an installed one. */
async function findChromium(): Promise<string> {
  const { CHROMIUM_PATH } = process.env;
  if (CHROMIUM_PATH) return CHROMIUM_PATH;
  if (process.platform === 'linux' && process.arch === 'x64') return packagedChromium.executablePath();
  const found = USUAL_PLACES.find((path) => existsSync(path));
  if (found === undefined) throw new Error('the tests of pages need Chromium: install it, or set CHROMIUM_PATH');
  return found;
}

/** An empty page on an origin of its own. A page that no server serves would be kept from this machine's network. */
export async function servePage(html = '<!doctype html><link rel="icon" href="data:,"><title>a page</title>') {
  const { url, close } = await listenOnLoopback((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(html),
  );
  return { origin: url, close };
}

export type ServedPage = Awaited<ReturnType<typeof servePage>>;
