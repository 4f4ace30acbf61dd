import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';

/** Screenshots for people to review, taken with `LEDGER_SCREENSHOTS=1`; not in the repository. */
const SCREENSHOTS = join(import.meta.dirname, '../../../.local/screenshots');
const TAKES_SCREENSHOTS = process.env.LEDGER_SCREENSHOTS === '1';

export const SCREENS = [
  { name: 'phone', width: 390, height: 844 },
  { name: 'desktop', width: 1440, height: 900 },
] as const;
const SCHEMES = ['light', 'dark'] as const;

/** A time zone in which every time differs from UTC. */
const ZONE = 'Europe/Berlin';

/** Opens the dashboard in a tab; browser errors are added to `troubles`. */
export async function openDashboard(context: BrowserContext, url: string, troubles: string[]): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => {
    // The browser itself logs responses with these statuses; tests expect them.
    const isErrorResponse = /status of (401|404|503)/.test(message.text());
    if (message.type() === 'error' && !isErrorResponse) troubles.push(message.text());
  });
  page.on('dialog', (dialog) => {
    troubles.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setTimezoneOverride', { timezoneId: ZONE });
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(url);
  await settled(page);
  return page;
}

/**
 * Waits until the page shows a view or an error, with `heading` if given; else a busy API, which on a busy machine may
 * fail of itself, is waited for as the page waits.
 */
export async function settled(page: Page, heading?: string): Promise<void> {
  await page.waitForFunction((wanted) => {
    const main = document.querySelector('main');
    const shown = main?.querySelector('h1')?.textContent;
    const isWanted = wanted === undefined ? shown !== 'Busy' : shown === wanted;
    return shown && isWanted && !main.hasAttribute('aria-busy') && !main.querySelector('.loading');
  }, heading);
}

export async function goTo(page: Page, hash: string, heading?: string): Promise<void> {
  await page.evaluate((to) => {
    window.location.hash = to;
  }, hash);
  // The page's event fires after this call returns.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 0)));
  await settled(page, heading);
}

/** Longer pages have the same layout. */
const TALLEST = 2600;

/** Takes a screenshot for each screen and colour scheme if the environment wants them; no test compares them. */
export async function takePictures(page: Page, name: string): Promise<void> {
  if (!TAKES_SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const { name: screen, width, height } of SCREENS) {
    for (const colorScheme of SCHEMES) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      const tall = await page.evaluate(() => document.documentElement.scrollHeight);
      const clip = { x: 0, y: 0, width, height: Math.min(Math.max(tall, height), TALLEST) };
      const path = join(SCREENSHOTS, `${name}-${screen}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true, clip });
    }
  }
}

/** Returns axe's serious and critical findings, in both colour schemes and on both screens. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const found = new Set<string>();
  for (const { width, height } of SCREENS) {
    for (const colorScheme of SCHEMES) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      // Evaluated from outside, where the page's content security policy does not apply.
      if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
      for (const finding of await page.evaluate(seriousFindingsHere)) found.add(finding);
    }
  }
  return [...found];
}

/** Runs in the page: most of axe's report is about what passed, and is not worth sending. */
async function seriousFindingsHere(): Promise<string[]> {
  const { violations } = await (window as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** Expects no overflow on a phone, no serious finding of axe, and everything within reach of the Tab key. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.setViewportSize(SCREENS[0]);
  expect(await overflow(page)).toBe(0);
  expect(await seriousFindings(page)).toEqual([]);
  const { all, unreached } = await tabThrough(page);
  expect(unreached).toEqual([]);
  expect(all).toBeGreaterThan(5);
  await page.setViewportSize(SCREENS[1]);
}

/** Returns by how many pixels the page is wider than the screen. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Returns the number of interactive elements, and those that the Tab key never reaches. */
async function tabThrough(page: Page): Promise<{ all: number; unreached: string[] }> {
  const all = await page.evaluate(() => {
    const selector = 'a[href], button, input, select, summary, [tabindex="0"]';
    const visible = [...document.querySelectorAll<HTMLElement>(selector)].filter((each) => each.checkVisibility());
    visible.forEach((each, at) => {
      each.dataset.stop = String(at);
    });
    (document.activeElement as HTMLElement | null)?.blur();
    return visible.length;
  });
  const reached = new Set<string>();
  // A date field has several tab stops.
  for (let presses = 0; presses < 4 * all + 10 && reached.size < all; presses += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.stop);
    if (stop !== undefined) reached.add(stop);
  }
  const unreached = await page.evaluate(
    (stops) =>
      [...document.querySelectorAll<HTMLElement>('[data-stop]')]
        .filter(({ dataset }) => !stops.includes(dataset.stop ?? ''))
        .map(({ outerHTML }) => outerHTML.slice(0, 120)),
    [...reached],
  );
  return { all, unreached };
}
