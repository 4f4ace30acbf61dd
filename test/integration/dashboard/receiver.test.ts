import type { Page } from 'playwright-core';
import { openDeliveryLog, SEEDED_RECEIVER } from '../../support/fixtures/delivery-log.ts';
import { DOMAIN } from '../../support/fixtures/webhooks.ts';
import { startBrowser, type TestBrowser } from '../../support/pages/browser.ts';
import {
  expectAccessible,
  goTo,
  openDashboard,
  SCREENS,
  settled,
  takePictures,
} from '../../support/pages/dashboard-page.ts';
import { type ReadStack, startReadStack } from '../../support/stacks/read-stack.ts';

// A receiver's page in a browser, with one delivery in each state. The tests depend on each other.

/** Content of a hostile receiver's response, and of an id. */
const HOSTILE = '<img src=x onerror="window.hacked = 1">';

let stack: ReadStack;
let browser: TestBrowser;
let page: Page;
const troubles: string[] = [];

beforeAll(async () => {
  [stack, browser] = await Promise.all([startReadStack({ receivers: [SEEDED_RECEIVER] }), startBrowser()]);
  await seedDeliveries();
  page = await openDashboard(browser.context, stack.ready.dashboardUrl, troubles);
}, 120_000);
afterAll(async () => {
  await Promise.all([browser?.close(), stack?.stop()]);
});

async function seedDeliveries(): Promise<void> {
  const log = openDeliveryLog(stack.stack);
  const at = Math.floor(Date.now() / 1000) - 1800;
  const settledAt = at * 1000 + 20_000;
  const attempts = [
    { at: at * 1000, ms: 15_000, error: 'TimeoutError' },
    { at: settledAt, ms: 41, status: 204 },
  ];
  await log.write(at, { id: 'fine#1', messageId: `m@${DOMAIN}` }, { state: 'acknowledged', attempts, settledAt });
  const refused = [{ at: at * 1000, ms: 12, status: 500 }];
  await log.write(at + 1, { id: 'dead#1' }, { state: 'dead', attempts: refused, settledAt }, HOSTILE);
  await log.sendToDlq(at + 1, 'dead#1');
  await log.note(at + 2, HOSTILE);
  const disabled = { disabledAt: settledAt, disabledReason: 'gone' as const, lastStatus: 410 };
  await log.states.replace('crm', {}, { failingSince: at * 1000, ...disabled });
}

const text = (selector: string) => page.locator(selector).first().innerText();
const rows = (name: string) => page.getByRole('region', { name }).locator('tbody tr');

test('the receiver page is linked from the health view', async () => {
  await goTo(page, '#/health');
  await page.getByRole('link', { name: 'crm' }).click();
  await page.getByRole('heading', { name: 'Receiver crm' }).waitFor();
  await settled(page);

  expect(await text('nav [aria-current]')).toBe('Health');
});

test('the receiver page shows the state, unaccounted deliveries by name, and the command', async () => {
  const shown = (await text('.panel')).replaceAll(/\n+/g, '\n');

  expect(shown).toMatch(/disabled since [\s\S]*it responded 410, last status 410/);
  for (const fact of ['In the DLQ\n1', 'Acknowledged\n1', 'Waiting\n0', 'Dead\n1', 'Unaccounted for\n1']) {
    expect(shown).toContain(fact);
  }
  expect(shown).toMatch(/receivers enable --local --port \d+ crm/);
  expect(shown).toMatch(/receivers redeliver --plan --local --port \d+ crm/);
  expect(shown).toMatch(/receivers log --state unaccounted --local --port \d+ crm/);
  expect(shown).toContain(HOSTILE);
});

test('an event type breaks only at its dots, and an option never', async () => {
  await page.setViewportSize(SCREENS[0]);
  const heights = await page
    .locator('.command .nowrap')
    .evaluateAll((all) => all.map((each) => each.getClientRects().length));
  await page.setViewportSize({ width: 760, height: 900 });
  const type = page.locator('.dotted').first();
  const lines = await type.evaluate((element) => {
    const range = document.createRange();
    return [...element.childNodes].map((node) => {
      range.selectNodeContents(node);
      return range.getClientRects().length;
    });
  });
  await page.setViewportSize(SCREENS[1]);

  expect(await type.innerText()).toBe('message.status.changed');
  expect(new Set(lines.filter((count) => count > 0))).toEqual(new Set([1]));
  expect(new Set(heights)).toEqual(new Set([1]));
});

test("the receiver's ledger has a row for each hour", async () => {
  const cells = await rows('by hour').locator('td').allInnerTexts();
  // Three published, and one in each state.
  expect(cells.map(Number).reduce((sum, count) => sum + count)).toBe(6);
});

test('the receiver page is accessible, also by keyboard only, on both screens and in both schemes', async () => {
  await takePictures(page, 'receiver');
  await expectAccessible(page);
});

test('the receiver page shows every attempt of the last day, newest first, or those of one state', async () => {
  const deliveries = rows('Deliveries to crm, newest first');
  expect(await deliveries.count()).toBe(3);
  expect(await deliveries.last().innerText()).toMatch(/TimeoutError, 15000 ms[\s\S]*204, 41 ms/);

  await page.getByLabel('State').selectOption('dead');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL('**state=dead');
  await page.waitForFunction(
    () => document.querySelectorAll('main table')[1]?.querySelectorAll('tbody tr').length === 1,
  );
  expect(await deliveries.allInnerTexts()).toEqual([expect.stringContaining('500, 12 ms')]);
});

test("a receiver's response is shown as text", async () => {
  expect(await text('.said')).toBe(HOSTILE);
  expect(await page.locator('main img').count()).toBe(0);
  expect(troubles).toEqual([]);
});

test('an unknown receiver is not found', async () => {
  await goTo(page, '#/receiver/other');
  expect(await text('h1')).toBe('Not found');
});
