import type { APIResponse, Page, Route } from 'playwright-core';
import { SEEDED_RECEIVER } from '../../support/fixtures/delivery-log.ts';
import { DOMAIN } from '../../support/fixtures/webhooks.ts';
import { startBrowser, type TestBrowser } from '../../support/pages/browser.ts';
import { goTo, openDashboard, settled } from '../../support/pages/dashboard-page.ts';
import { eventOf, type ReadStack, startReadStack } from '../../support/stacks/read-stack.ts';

// Every request of every view fails, hangs or comes late, in a browser.

const MESSAGE = `spring.1@${DOMAIN}`;
const ADDRESS = 'ada@north.example';
const API = '**/mailgun/**';

const VIEWS = {
  health: '#/health',
  find: '#/find',
  'a search for a tag': '#/search/spring?all=1',
  'a search for an address': `#/search/${ADDRESS}?all=1`,
  message: `#/message/${encodeURIComponent(MESSAGE)}`,
  recipient: `#/recipient/${ADDRESS}`,
  events: `#/events?domain=${DOMAIN}`,
  mails: `#/mails?domain=${DOMAIN}`,
  live: '#/live',
  deliverability: `#/deliverability?domain=${DOMAIN}`,
  campaigns: '#/campaign',
  campaign: `#/campaign/spring?domain=${DOMAIN}`,
  receiver: '#/receiver/crm',
};

let stack: ReadStack;
let browser: TestBrowser;
let page: Page;
let origin: string;
const troubles: string[] = [];

beforeAll(async () => {
  [stack, browser] = await Promise.all([startReadStack({ receivers: [SEEDED_RECEIVER] }), startBrowser()]);
  const at = Math.floor(Date.now() / 1000) - 60;
  const mail = { recipient: ADDRESS, tags: ['spring'] };
  await stack.store(
    eventOf(MESSAGE, { ...mail, event: 'accepted', timestamp: at }),
    ...Array.from({ length: 60 }, (_, nth) =>
      eventOf(MESSAGE, {
        ...mail,
        event: 'clicked',
        url: `https://shop.example/${nth}`,
        timestamp: at + 1 + nth / 100,
      }),
    ),
  );
  origin = new URL(stack.ready.dashboardUrl).origin;
  page = await openDashboard(browser.context, stack.ready.dashboardUrl, troubles);
}, 240_000);
afterAll(async () => {
  await Promise.all([browser?.close(), stack?.stop()]);
});
afterEach(async () => {
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await goTo(page, '#/unknown');
});

/** Waits until a view or a failure is shown, a busy API included. */
const shown = () =>
  page.waitForFunction(() => {
    const main = document.querySelector('main');
    return main?.querySelector('h1') && !main.hasAttribute('aria-busy') && !main.querySelector('.loading');
  });

async function show(hash: string): Promise<void> {
  await page.evaluate(async (to) => {
    window.location.hash = to;
    // The page's event fires after this call returns.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }, hash);
  await shown();
}

const now = () => Math.floor(Date.now() / 1000);

type Handler = (route: Route) => unknown;

/** The API's responses to requests that did not fail, by what was requested, whenever that was. */
const responses = new Map<string, Promise<APIResponse>>();

/** Responds as the API did to the same request of an earlier view, which differs in its times alone. */
async function respondAsBefore(route: Route): Promise<void> {
  const request = route.request();
  const url = new URL(request.url());
  for (const time of ['from', 'to', 'cursor']) if (url.searchParams.has(time)) url.searchParams.set(time, '');
  const asked = `${request.method()} ${url.href} ${request.postData() ?? ''}`;
  const response = responses.get(asked) ?? route.fetch();
  responses.set(asked, response);
  await route.fulfill({ response: await response });
}

/** Has a handler take the nth request of a view to the API, counted from 0; the others get what they got before. */
async function takeNth(nth: number, handle: Handler): Promise<{ taken: () => string | undefined }> {
  let seen = -1;
  let taken: string | undefined;
  await page.route(API, (route) => {
    if (route.request().method() === 'OPTIONS') return route.fallback();
    seen += 1;
    if (seen !== nth) return respondAsBefore(route);
    taken = new URL(route.request().url()).pathname;
    return handle(route);
  });
  return { taken: () => taken };
}

const respond =
  (status: number, json: unknown, more: Record<string, string> = {}): Handler =>
  (route) =>
    route.fulfill({
      status,
      json,
      headers: { 'access-control-allow-origin': origin, 'access-control-expose-headers': 'Retry-After', ...more },
    });

const text = (selector = 'main') => page.locator(selector).first().innerText();
const alerts = () => page.getByRole('alert').count();

/** Texts by which a view says that a part of it could not be read, or what came later: on a busy machine Live asks again. */
const PARTIAL = /unknown|could not be read|could not be listed|does not respond|Nothing more is shown|refused the/i;

const FAULTS: Readonly<Record<string, Handler>> = {
  'fails to connect': (route) => route.abort('failed'),
  'gets a 500': respond(500, { ok: false, reason: 'broken' }),
  'gets a 503': respond(503, { ok: false, reason: 'unavailable' }, { 'retry-after': '60' }),
  'gets something else than JSON': (route) =>
    route.fulfill({ status: 200, headers: { 'access-control-allow-origin': origin }, body: '<html>' }),
  'gets JSON of another form': respond(200, null),
};

describe.each(Object.entries(VIEWS))('%s', (_, hash) => {
  test.each(Object.entries(FAULTS))(
    'says so when any of its requests %s, and reads again on demand',
    async (_, fault) => {
      for (let nth = 0; ; nth += 1) {
        const { taken } = await takeNth(nth, fault);
        await show(hash);
        const failed = taken();
        if (failed === undefined) {
          expect(nth).toBeGreaterThan(0);
          break;
        }
        let shown = { failed, alerts: await alerts(), text: await text() };
        // What came later may have been requested only, and not have failed yet.
        for (let polls = 0; shown.alerts === 0 && !PARTIAL.test(shown.text) && polls < 100; polls += 1) {
          await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
          shown = { failed, alerts: await alerts(), text: await text() };
        }
        if (shown.alerts === 0) expect(shown).toMatchObject({ failed, text: expect.stringMatching(PARTIAL) });
        await page.unrouteAll({ behavior: 'ignoreErrors' });
        const again = page.getByRole('button', { name: /^(Try again|Refresh)$/ });
        await again.click();
        await page.getByRole('alert').waitFor({ state: 'detached' });
        await settled(page);
        expect({ failed, alerts: await alerts() }).toEqual({ failed, alerts: 0 });
        await goTo(page, '#/unknown');
      }
    },
  );
});

/** Holds requests to the API back, by a pattern of their path; returns the number held, and a function that lets them go. */
async function hold(path: RegExp) {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const requests: string[] = [];
  await page.route(API, async (route) => {
    const url = route.request().url();
    if (route.request().method() === 'OPTIONS' || !path.test(url)) return route.fallback();
    requests.push(url);
    await held;
    // The page may have aborted it meanwhile.
    return route.fallback().catch(() => {});
  });
  const arrived = async (count: number) => {
    while (requests.length < count) await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 20)));
  };
  return { requests, arrived, release };
}

const go = (hash: string) =>
  page.evaluate((to) => {
    window.location.hash = to;
  }, hash);
const heading = () => text('h1');

describe('a response that comes late', () => {
  test.each(Object.entries(VIEWS).filter(([name]) => name !== 'find'))(
    'to %s does not replace the view that was opened meanwhile',
    async (_, hash) => {
      await show('#/unknown');
      const { arrived, release } = await hold(/health|messages|recipients|suppressions|receivers$/);
      await go(hash);
      await arrived(1);
      await page.goBack();
      await shown();
      release();
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));

      expect([await heading(), page.url().split('#')[1]]).toEqual(['There is no such page', '/unknown']);
    },
  );

  test('to an earlier choice does not replace the later one of the same view', async () => {
    await show(`#/events?domain=${DOMAIN}`);
    const { arrived, release } = await hold(/type=accepted/);
    await go(`#/events?domain=${DOMAIN}&type=accepted`);
    await arrived(1);
    await show(`#/events?domain=${DOMAIN}&type=clicked`);
    release();
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));

    expect(await text()).toContain(`clicked events of ${DOMAIN}`);
    expect(await text()).not.toContain(`accepted events of ${DOMAIN}`);
  });

  test('to a second click on the next page is not requested, and no row is shown twice', async () => {
    await show(`#/events?domain=${DOMAIN}&type=clicked`);
    const { arrived, release, requests } = await hold(/cursor=/);
    await page.getByRole('button', { name: 'Show more' }).evaluate((button: HTMLButtonElement) => {
      button.click();
      button.click();
    });
    await arrived(1);
    release();
    await page.getByText('60 shown').waitFor();

    expect(requests).toHaveLength(1);
    expect(await page.locator('main tbody tr').count()).toBe(60);
  });

  test('to the live view shows nothing while it is paused, and nothing is left out', async () => {
    await show('#/live');
    const { arrived, release } = await hold(/tail\?.*cursor=/);
    await arrived(1);
    await stack.store(eventOf(`late.1@${DOMAIN}`, { recipient: 'late@north.example', timestamp: now() }));
    await page.getByRole('button', { name: 'Pause' }).click();
    release();
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
    const paused = await text();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('late@north.example').first().waitFor();

    expect(paused).toContain('Paused; nothing is left out.');
    expect(paused).not.toContain('late@north.example');
  });
});

test('a form that is submitted again without a change reads again', async () => {
  await show(`#/events?domain=${DOMAIN}&type=opened`);
  const { hash } = new URL(page.url());
  await page.getByRole('button', { name: 'Show events' }).click();
  await shown();
  const address = new URL(page.url()).hash;
  await stack.store(
    eventOf(`again.1@${DOMAIN}`, { event: 'opened', recipient: 'again@north.example', timestamp: now() }),
  );
  await page.getByRole('button', { name: 'Show events' }).click();
  await page.getByText('again@north.example').first().waitFor();

  expect([hash.length > 0, new URL(page.url()).hash]).toEqual([true, address]);
});

test.each<[string, Handler]>([
  ['fail to connect', (route) => route.abort('failed')],
  ['get a 503', (route) => route.fulfill({ status: 503, body: '' })],
])('settings that %s are read again, and the token of the address is kept', async (_, fault) => {
  const other = await browser.context.newPage();
  await other.route('**/config.json', fault);
  await other.goto(stack.ready.dashboardUrl);
  await other.getByRole('heading', { name: 'No response' }).waitFor();
  await other.unroute('**/config.json');
  await other.getByRole('button', { name: 'Try again' }).click();
  await other.getByRole('heading', { name: 'Health', exact: true }).waitFor();
  await other.close();
});

test('no fault makes the page throw', () => {
  // The browser logs requests that fail by itself.
  expect(troubles.filter((trouble) => !trouble.startsWith('Failed to load resource'))).toEqual([]);
});
