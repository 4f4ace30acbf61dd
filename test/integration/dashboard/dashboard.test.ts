import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Page, Request, Route } from 'playwright-core';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { USUAL_RECONCILE } from '../../../tools/local-ledger/options/reconcile-choice.ts';
import { runScenario } from '../../../tools/local-ledger/scenario.ts';
import { openTwin } from '../../../tools/mailgun-twin/open-twin.ts';
import type { EventData } from '../../../tools/mailgun-twin/traffic/event-parts.ts';
import { DOMAIN } from '../../support/fixtures/webhooks.ts';
import { startBrowser, type TestBrowser } from '../../support/pages/browser.ts';
import {
  expectAccessible,
  goTo,
  openDashboard,
  SCREENS,
  seriousFindings,
  settled,
  takePictures,
} from '../../support/pages/dashboard-page.ts';
import { eventOf, type ReadStack, startReadStack } from '../../support/stacks/read-stack.ts';

// Every view in a browser, against the local stack with the twin's traffic and hostile content.

const TROUBLE = 'window.hacked = (window.hacked ?? 0) + 1';
/** Values that an address, a tag or a reason may have. */
const NAUGHTY: readonly string[] = [
  `<img src=x onerror="${TROUBLE}">`,
  `<script>${TROUBLE}</script>`,
  `"><svg onload="${TROUBLE}">`,
  `javascript:${TROUBLE}`,
  `'-alert(1)-'`,
  '{{constructor.constructor("return 1")()}}',
  '__proto__',
  'constructor',
  '$(reboot) `reboot`',
  '\u202Eright to left',
  'Z̴a̷l̶g̸o̵ ﷽ 🏳️‍🌈 ̡̖̹̟',
  '../../../etc/passwd%00',
  '',
  ' ',
];
/** A valid address: in quotation marks, a local part may contain anything. */
const HOSTILE = `${JSON.stringify(`<img src=x onerror="${TROUBLE}">`)}@evil.example`;
const REJECTED_ID = `rejected.1@${DOMAIN}`;
const HOSTILE_ID = `<img src=x onerror="${TROUBLE}">.1@${DOMAIN}`;

let stack: ReadStack;
let browser: TestBrowser;
let page: Page;
const requests: string[] = [];
const troubles: string[] = [];

const nowSeconds = () => Math.floor(Date.now() / 1000);

beforeAll(async () => {
  [stack, browser] = await Promise.all([startReadStack(), startBrowser()]);
  browser.context.on('request', (request: Request) => requests.push(request.url()));
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const { ready } = stack.stack;
  const { signal } = new AbortController();
  // Posted and listed, so that the ledger counts them and the statistics contain their tags.
  const seeded = [...hostileEvents(), rejectedEvent()];
  await stack.store(...seeded);
  stack.stack.list(seeded as unknown as EventData[]);
  // The scenario does not know these events, so its result is not checked.
  await runScenario({
    ready,
    twin: openTwin(ready, stack.stack, signal),
    json: false,
    print: () => {},
    signal,
    drop: 20,
    endsAfterwards: true,
    dueAfterSeconds: USUAL_RECONCILE.settleSeconds + USUAL_RECONCILE.sliceSeconds,
  });
  page = await openPage();
}, 240_000);

afterAll(async () => {
  await Promise.all([browser?.close(), stack?.stop()]);
});

function hostileEvents(): JsonObject[] {
  const at = nowSeconds() - 1;
  const message = { headers: { 'message-id': HOSTILE_ID } };
  const common = { domain: { name: DOMAIN }, message, recipient: HOSTILE };
  const naughty = NAUGHTY.map((text, n) => ({
    ...common,
    event: 'clicked',
    id: `naughty-${n}`,
    timestamp: at + n / 100,
    url: `javascript:${TROUBLE}`,
    tags: [text],
    'user-variables': { [text]: text, list: [...NAUGHTY] },
  }));
  const failed = {
    ...common,
    event: 'failed',
    id: 'hostile-failed',
    timestamp: at,
    severity: 'permanent',
    reason: 'bounce',
    tags: [...NAUGHTY],
    'delivery-status': { code: 550, 'bounce-type': 'hard', message: NAUGHTY[0] ?? '', description: NAUGHTY[1] ?? '' },
  };
  return [...naughty, failed];
}

/** Returns an event with its recipient only in the header, as Mailgun reports mail it did not try to send. */
function rejectedEvent(): JsonObject {
  const headers = { 'message-id': REJECTED_ID, to: '"Hopper, Grace" <grace@example.org>' };
  const reject = { reason: 'Virus detected', description: 'Contains a signature of EICAR' };
  return {
    event: 'rejected',
    id: 'rejected',
    timestamp: nowSeconds() - 1,
    domain: { name: DOMAIN },
    message: { headers },
    reject,
  };
}

/** Opens a new tab, with the token passed as `npm start` does. */
const openPage = (url = stack.ready.dashboardUrl) => openDashboard(browser.context, url, troubles);

const text = (selector: string) => page.locator(selector).first().innerText();
const panel = (name: string) => page.locator('.panel', { has: page.getByRole('heading', { name }) });
const withoutFragment = (url: string) => url.replace(/#.*/, '');

/** Returns a message with four recipients; the twin's have two. */
async function fourRecipients(): Promise<string> {
  const { body } = await stack.get('/mailgun/events?limit=1000&type=accepted');
  const counts = Map.groupBy(body.events as { messageId: string }[], ({ messageId }) => messageId);
  return [...counts].find(([, events]) => events.length === 4)?.[0] ?? '';
}

describe('the token', () => {
  test('is removed from the address at once, and kept only for the session of the tab', async () => {
    const { apiToken } = stack.ready;
    const kept = await page.evaluate(() => [
      JSON.stringify({ ...sessionStorage }),
      JSON.stringify({ ...localStorage }),
      document.cookie,
      window.location.href,
    ]);

    expect(kept[0]).toContain(apiToken);
    expect(kept.slice(1)).toEqual(['{}', '', expect.not.stringContaining(apiToken)]);
    expect(requests.filter((url) => url.includes(apiToken))).toEqual([]);
  });

  test('is not in the link that is copied, which leads to the same view', async () => {
    await goTo(page, `#/events?domain=${DOMAIN}&type=clicked`);
    await page.getByRole('button', { name: 'Copy link' }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());

    expect(link).toBe(`${withoutFragment(stack.ready.dashboardUrl)}#/events?domain=${DOMAIN}&type=clicked`);
  });

  test('may be pasted, and opens the view that the address names', async () => {
    const other = await openPage(`${withoutFragment(stack.ready.dashboardUrl)}#/find`);
    expect(await other.locator('h1').innerText()).toBe('Sign in');
    await takePictures(other, 'sign-in');
    expect(await seriousFindings(other)).toEqual([]);

    await other.getByLabel('Token').fill(stack.ready.apiToken);
    await other.getByRole('button', { name: 'Read the ledger' }).click();
    await other.getByRole('heading', { name: 'Find', exact: true }).waitFor();
    expect(other.url()).toMatch(/#\/find$/);
    await other.close();
  });

  test('that is refused is dropped, and the form is shown again', async () => {
    const url = new URL(stack.ready.dashboardUrl);
    url.hash = 'token=wrong';
    const other = await openPage(url.href);

    expect(await other.getByRole('alert').innerText()).toMatch(/refused the token/);
    expect(await other.evaluate(() => sessionStorage.length)).toBe(0);
    await takePictures(other, 'refused');
    await other.close();
  });

  test('is sent only to the API of the stack, whatever the address contains', async () => {
    const url = new URL(stack.ready.dashboardUrl);
    url.hash = new URLSearchParams({ token: stack.ready.apiToken, api: 'http://127.0.0.1:9' }).toString();
    const other = await openPage(url.href);

    expect(await other.locator('h1').innerText()).toBe('Health');
    await other.close();
  });
});

describe('health', () => {
  test('states in a sentence what came by webhook, what was recovered and what is unaccounted for', async () => {
    const { body } = await stack.get('/mailgun/ledger');
    const recovered = (body.slices as { recovered: Record<string, number> }[]).reduce(
      (sum, slice) => sum + Object.values(slice.recovered).reduce((all, count) => all + count, 0),
      0,
    );
    const { expected, stored } = body.totals;
    await goTo(page, '#/health');

    expect(recovered).toBeGreaterThan(0);
    expect(expected).toBeGreaterThan(190);
    expect(await text('.sentence')).toBe(
      `${expected} events · webhooks alone ${stored - recovered} · recovered ${recovered} · unaccounted 0`,
    );
  });

  test('shows the day by slice, as a picture and in numbers', async () => {
    expect(await page.locator('figure svg rect.stored').count()).toBeGreaterThan(2);
    expect(await page.locator('figure svg rect.recovered').count()).toBeGreaterThan(0);
    await page.getByText('Numbers by slice').click();
    const heads = await page.locator('figure thead th').allInnerTexts();

    expect(heads).toEqual(['From', 'Listed', 'Stored', 'Recovered', 'Missing', 'Unconfirmed']);
    expect(await page.locator('figure tbody tr').count()).toBeGreaterThan(3);
  });

  test('shows the number of rows only where they scroll', async () => {
    const note = page.locator('figure .note.rows');
    const limitHeight = (height: string) =>
      page.locator('figure .scroll.tall').evaluate((element, limit) => {
        element.style.maxHeight = limit;
      }, height);
    await limitHeight('none');
    await note.waitFor({ state: 'hidden' });
    await limitHeight('4rem');
    await note.waitFor({ state: 'visible' });
    expect(await note.innerText()).toMatch(/^\d+ rows; scroll to see them all\.$/);
    await page.emulateMedia({ media: 'print' });
    await note.waitFor({ state: 'hidden' });
    await page.emulateMedia({ media: null });
    await limitHeight('');
  });

  test('shows the last event and the queues', async () => {
    const facts = await text('.facts');

    expect(facts).toMatch(/Last event\n.* ago/);
    expect(facts).toMatch(/In the queue\n+0/);
    expect(facts).toMatch(/Dead letters\n+0/);
  });

  test('shows the alarms that are on with impact and command, causes first', async () => {
    // The read API caches alarms for 20 seconds.
    let shown = '';
    for (const untilMs = Date.now() + 120_000; Date.now() < untilMs && !shown.includes('stuck'); await sleep(1000)) {
      // An evaluation may end the state before the read API reads it.
      for (const alarm of ['stuck', 'dead-letters']) {
        expect(stack.stack.setAlarm(`mailgun-ledger-dev-${alarm}`, 'ALARM', 'a test')).toBe(true);
      }
      await page.reload();
      await settled(page);
      shown = (await page.locator('.alarms').allInnerTexts()).join('');
    }

    expect(shown).toMatch(/dead-letters Messages are in the dead-letter queue\. since [\s\S]*Who is hurt: Clients/);
    expect(shown).toMatch(
      /Explains: stuck\n[\s\S]*runbook\.md#dead-letters\n+npm run ledger -- dlq list --local --port \d+/,
    );
    expect(shown.indexOf('dead-letters')).toBeLessThan(shown.indexOf('stuck Events'));
  });
});

describe('every view', () => {
  const VIEWS: [name: string, hash: () => Promise<string> | string, holds: RegExp][] = [
    ['health', () => '#/health', /unaccounted 0/],
    ['find', () => '#/find', /Search[\s\S]*Events of a day/],
    ['search', () => '#/search/ada', /has no @[\s\S]*Look elsewhere/],
    ['message', async () => `#/message/${encodeURIComponent(await fourRecipients())}`, /delivered[\s\S]*decides/],
    ['recipient', () => `#/recipient/${encodeURIComponent(HOSTILE)}`, /suppressed[\s\S]*bounce/],
    ['events', () => `#/events?domain=${DOMAIN}`, /Recipient/],
    ['mails', () => `#/mails?domain=${DOMAIN}&hours=24`, /accepted in the last 24 hours[\s\S]*Recipient/],
    ['live', () => `#/live?domain=${DOMAIN}`, /Stored since \d/],
    ['deliverability', () => `#/deliverability?domain=${DOMAIN}`, /newsletter[\s\S]*Bounces and complaints/],
    ['campaigns', () => '#/campaign', /Choose a mailing[\s\S]*newsletter/],
    ['campaign', () => `#/campaign/newsletter?domain=${DOMAIN}`, /delivered[\s\S]*Failed permanently/],
    ['hostile', () => `#/message/${encodeURIComponent(HOSTILE_ID)}`, /<img src=x/],
    ['unknown', () => '#/message/unknown', /Nothing with this name is stored/],
  ];

  test.each(VIEWS)(
    '%s is readable, by keyboard alone too, on a phone and a desk, by day and night',
    async (name, hash, holds) => {
      await goTo(page, await hash());
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true;
      });

      expect(await text('main')).toMatch(holds);
      await takePictures(page, name);
      await expectAccessible(page);
    },
  );
});

test.each([
  ['health', () => '#/health'],
  ['a message', async () => `#/message/${encodeURIComponent(await fourRecipients())}`],
  ['a recipient', () => `#/recipient/${encodeURIComponent(HOSTILE)}`],
  ['the events of a day', () => `#/events?domain=${DOMAIN}`],
  ['bounces and complaints', () => `#/deliverability?domain=${DOMAIN}`],
])('%s marks what may be forged', async (_, hash) => {
  await page.route('**/mailgun/**', async (route) => {
    const response = await route.fetch();
    const isMark = (key: string, value: unknown) => key === 'unconfirmed' && typeof value !== 'object';
    const forged = (key: string, value: unknown) =>
      isMark(key, value) ? (typeof value === 'number' ? 1 : true) : value;
    await route.fulfill({ response, json: JSON.parse(await response.text(), forged) });
  });
  await goTo(page, await hash());
  await page.getByText('not on Mailgun’s list, may be forged').first().waitFor();
  await page.unroute('**/mailgun/**');
  await page.reload();
  await settled(page);

  expect(await text('main')).not.toContain('may be forged');
});

describe('search', () => {
  test('shows to whom and why Mailgun rejected a mail', async () => {
    await goTo(page, `#/message/${encodeURIComponent(REJECTED_ID)}`);

    expect(await text('.panel h2')).toContain('grace@example.org');
    expect(await text('.timeline .said')).toBe('Virus detected Contains a signature of EICAR');
  });

  test('names a message by its subject, as the list of its recipient does', async () => {
    const { body } = await stack.get('/mailgun/events?limit=1000&type=accepted');
    const events = body.events as { messageId: string; details: { subject: string | null } }[];
    const { messageId, details } = events.find((event) => event.details.subject !== null)!;
    await goTo(page, `#/message/${encodeURIComponent(messageId)}`);

    expect(await text('.subject strong')).toBe(details.subject);
  });

  test('leads from a message id to its recipients, each with a timeline and the event that decided', async () => {
    const messageId = await fourRecipients();
    await goTo(page, '#/find');
    // By keyboard only: the field, the id, Enter.
    await page.getByLabel('Address, message id').focus();
    await page.keyboard.type(`<${messageId}>`);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.hash.startsWith(`#/message/${encodeURIComponent(messageId)}?`));
    // The address changes before the page begins to load.
    await page.locator('.panel:has(.timeline) h2').nth(3).waitFor();
    await settled(page);

    const { body } = await stack.get(`/mailgun/messages?id=${encodeURIComponent(messageId)}`);
    expect(await page.locator('.panel:has(.timeline) h2').count()).toBe(4);
    expect(await page.locator('.timeline li').count()).toBe(body.events.length);
    expect(await page.locator('.decides').count()).toBe(4);
  });

  test('leads from a message to a recipient, its suppressions and how to lift them', async () => {
    // Not by the text of the whole panel: a random id may contain the number too.
    const refused = page.locator('.said', { hasText: /^550 / });
    await page.locator('.panel').filter({ has: refused }).getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Recipient' }).waitFor();
    await settled(page);

    expect(await text('.panel')).toMatch(
      /suppressed[\s\S]*bounce[\s\S]*npm run ledger -- suppressions lift --plan --kind bounce --local/,
    );
    expect(await page.locator('.panel').nth(1).getByRole('link').count()).toBeGreaterThan(1);
  });

  test('narrows the mails to a recipient to a time', async () => {
    const address = new URL(page.url()).hash.split('/').at(-1)?.split('?')[0];
    await goTo(page, `#/recipient/${address}?from=2020-01-01&to=2020-01-02`);
    expect(await text('main')).toContain('No message to this recipient is stored that fits the filter.');
    await page.getByLabel('From (UTC)').fill('2020-01-01');
    await page.getByLabel('Before (UTC)').fill('');
    await page.getByRole('button', { name: 'Filter' }).click();
    // The suppressions have rows too, from before the click.
    await panel('Messages').locator('tbody tr').first().waitFor();
    await settled(page);
    expect(page.url()).toMatch(/from=2020-01-01/);
    expect(page.url()).not.toMatch(/to=/);
  });

  test('prints the mails to a recipient without the form that filters them', async () => {
    await page.emulateMedia({ media: 'print' });
    const messages = panel('Messages');
    const seen = [await messages.locator('form').isVisible(), await messages.locator('table').isVisible()];
    await page.emulateMedia({ media: null });

    expect(seen).toEqual([false, true]);
  });

  test('finds a recipient by address, and mails by the beginning of a subject or by a variable', async () => {
    const found = async (searched: string) => {
      await goTo(page, `#/search/${encodeURIComponent(searched)}`);
      return text('main');
    };
    const { body } = await stack.get('/mailgun/events?limit=1000&type=accepted');
    const [{ details, userVariables }] = body.events.filter(
      // Mailgun gives a sentence where it could not load them.
      ({ userVariables }: { userVariables: unknown }) =>
        typeof userVariables === 'object' &&
        Object.values(userVariables ?? {}).some((each) => typeof each === 'string'),
    );
    const [name, value] = Object.entries(userVariables).find(([, each]) => typeof each === 'string') ?? [];

    expect(await found(String(details.subject).slice(0, 6))).toMatch(/\d+ events among \d+ events/);
    expect(await found(`${name}=${value}`)).toMatch(/variable .*\d+ events among \d+ events/);
    expect(await found('newsletter')).toMatch(/tag of .*\d+ events among \d+ events.*the campaign/);
    expect(await found('unknown@north.example')).toContain('without any mail');
  });

  test('opens the page of an address or a message id at once, and says what was searched', async () => {
    const { body } = await stack.get('/mailgun/events?limit=1&type=delivered');
    const [{ recipient, messageId }] = body.events;
    for (const [searched, view] of [
      [recipient.toUpperCase(), 'recipient'],
      [`<${messageId}>`, 'message'],
    ]) {
      await goTo(page, '#/find');
      await goTo(page, `#/search/${encodeURIComponent(searched)}`);
      await page.waitForURL((url) => url.hash.startsWith(`#/${view}/`));
      await settled(page);
      expect(await text('main')).toContain(`You searched for ${searched}, as an address and as a message id`);
      await page.getByRole('link', { name: 'Show what else was searched' }).click();
      await page.getByText('not searched: it has an @').waitFor();
      expect(await text('main')).toMatch(view === 'message' ? /its history/ : /the page of/);
    }
  });

  test.each(['#/search', '#/search/', '#/search/%20'])('prompts for a query if there is none: %s', async (hash) => {
    await goTo(page, hash);

    expect(await text('main')).toContain('Enter what to search for');
    expect(await page.locator('main table').count()).toBe(0);
  });

  test.each([390, 700, 1024, 1440])(
    'shows the shares of each day and tag without scrolling at %i px',
    async (width) => {
      await page.setViewportSize({ width, height: 900 });
      await goTo(page, `#/deliverability?domain=${DOMAIN}`);
      const shares = page.locator('td[data-head="reported as spam / delivered"]');
      const hidden = await shares.evaluateAll((cells) =>
        cells.flatMap((cell) => {
          const place = cell.getBoundingClientRect();
          const region = cell.closest('.scroll')?.getBoundingClientRect();
          const isSeen = region !== undefined && place.left >= region.left && place.right <= Math.ceil(region.right);
          return isSeen ? [] : [{ right: place.right, end: region?.right }];
        }),
      );
      const count = await shares.count();
      await page.setViewportSize(SCREENS[1]);

      expect(count).toBeGreaterThan(2);
      expect(hidden).toEqual([]);
    },
  );

  test('breaks no word of a column head, however narrow the column', async () => {
    await page.setViewportSize({ width: 700, height: 900 });
    await goTo(page, `#/campaign/newsletter?domain=${DOMAIN}`);
    const heads = await page.locator('thead th').evaluateAll((cells) =>
      cells.map((cell) => {
        const range = document.createRange();
        const words = [...(cell.textContent ?? '').matchAll(/\S+/g)].map(({ 0: word, index }) => {
          range.setStart(cell.firstChild as Node, index);
          range.setEnd(cell.firstChild as Node, index + word.length);
          return range.getClientRects().length;
        });
        return { head: cell.textContent, isWhole: words.every((lines) => lines === 1) };
      }),
    );
    await page.setViewportSize(SCREENS[1]);

    expect(heads.map(({ head }) => head)).toContain('Code');
    expect(heads.filter(({ isWhole }) => !isWhole)).toEqual([]);
  });

  test('shows the events of a domain and a day by type, a page at a time', async () => {
    const { body } = await stack.get('/mailgun/events?limit=1000&type=accepted');
    await goTo(page, '#/find');
    await page.getByLabel('Type').selectOption('accepted');
    await page.getByRole('button', { name: 'Show events' }).click();
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor();
    await settled(page);
    expect(await page.locator('tbody tr').count()).toBe(50);

    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText(`${body.events.length} shown`).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(body.events.length);
  });
});

describe('the live view', () => {
  test('shows new events once, also those stored while the API did not respond', async () => {
    const tag = `live-${nowSeconds()}`;
    const stored = (id: string, at: number) =>
      eventOf(`${id}@${DOMAIN}`, { tags: [tag], timestamp: at, recipient: 'ada@north.example' });
    await goTo(page, `#/live?tag=${tag}`);
    expect(await text('.empty')).toBe('Nothing was stored in the last ten minutes.');

    await stack.store(stored('live-1', nowSeconds()));
    await page.getByText(`live-1@${DOMAIN}`).waitFor();
    await page.route('**/mailgun/events/tail*', (route) => route.abort());
    await page.getByText('The read API does not respond').waitFor();
    await stack.store(stored('live-2', nowSeconds()), stored('live-3', nowSeconds() - 60));
    await page.unroute('**/mailgun/events/tail*');
    await page.getByText(`live-3@${DOMAIN}`).waitFor();

    expect(await page.locator('tbody tr').count()).toBe(3);
  });
});

describe('deliverability', () => {
  test('has the numbers of the statistics, by day and by tag', async () => {
    const { body } = await stack.get('/mailgun/stats?tag=newsletter');
    const all = (body.buckets as Record<'counts' | 'failures', Record<string, number>>[]).map(
      ({ counts, failures }): Record<string, number> => ({ ...counts, ...failures }),
    );
    const sum = (type: string) => all.reduce((sum, counts) => sum + (counts[type] ?? 0), 0);
    await goTo(page, `#/deliverability?domain=${DOMAIN}&tag=newsletter`);
    const rows = (name: string) => page.getByRole('region', { name }).locator('tbody tr');
    const today = rows('By day').filter({ hasText: new Date().toISOString().slice(0, 10) });
    const types = ['accepted', 'delivered', 'temporary_fail', 'permanent_fail', 'complained'];
    const cells = types.map((type) => String(sum(type)));

    expect(sum('delivered')).toBeGreaterThan(0);
    expect(sum('permanent_fail') + sum('temporary_fail')).toBe(sum('failed'));
    expect(sum('failed')).toBeGreaterThan(0);
    expect((await today.locator('td').allInnerTexts()).slice(2, 7)).toEqual(cells);
    const tag = rows('By tag').filter({ has: page.getByRole('link', { name: 'newsletter' }) });
    expect((await tag.locator('td').allInnerTexts()).slice(4, 9)).toEqual(cells);
  });

  test('divides the failures of a day by severity, and shows until when they may change', async () => {
    const from = Math.floor(Date.now() / 86_400_000 - 6) * 86_400;
    const { body } = await stack.get(`/mailgun/stats?by=provider&per=day&from=${from}`);
    const all = body.buckets as { hour: string; counts: Record<string, number> }[];
    const day = all.find(({ counts }) => (counts.permanent_fail ?? 0) > 0)?.hour.slice(0, 10) ?? '';
    const buckets = all.filter(({ hour }) => hour.startsWith(day));
    const sum = (type: string) => buckets.reduce((count, { counts }) => count + (counts[type] ?? 0), 0);
    await goTo(page, `#/deliverability?domain=${DOMAIN}`);
    const panel = page.locator('.panel', { hasText: 'By day' });
    const row = panel.locator('tbody tr').filter({ hasText: day });

    expect(sum('permanent_fail')).toBeGreaterThan(0);
    expect(await row.locator('td[data-head="failed permanently"]').innerText()).toBe(String(sum('permanent_fail')));
    expect(await row.locator('td[data-head="put off"]').innerText()).toBe(String(sum('temporary_fail')));
    expect(await panel.innerText()).toMatch(/may still change until/);
  });

  test('counts by mailbox provider, with temporary and permanent failures apart', async () => {
    const from = Math.floor(Date.now() / 86_400_000 - 7) * 86_400;
    const { body } = await stack.get(`/mailgun/stats?by=provider&per=day&from=${from}`);
    const buckets = body.buckets as { provider: string; counts: Record<string, number> }[];
    const sum = (type: string) =>
      buckets.reduce((all, { provider, counts }) => all + (provider === 'gmail' ? (counts[type] ?? 0) : 0), 0);
    const panel = page.getByRole('region', { name: 'By mailbox provider' });
    const gmail = panel.locator('tbody tr').filter({ has: page.getByRole('rowheader', { name: 'gmail' }) });
    const types = ['delivered', 'permanent_fail', 'temporary_fail', 'complained'];

    expect(sum('delivered')).toBeGreaterThan(0);
    expect((await gmail.locator('td').allInnerTexts()).slice(0, 4)).toEqual(types.map((type) => String(sum(type))));
    expect(await panel.innerText()).toContain('too few to judge');
  });

  test('shows which limit a provider exceeds, and draws no line without a published limit', async () => {
    const at = `${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`;
    const of = (provider: string, complained: number, failed = 0) => ({
      hour: at,
      domain: DOMAIN,
      tag: '*',
      provider,
      open: true,
      counts: { delivered: 10_000, complained, permanent_fail: failed, temporary_fail: 40 },
    });
    const buckets = [of('gmail', 30), of('outlook', 31), of('yahoo', 3, 700), of('gmx.de', 12)];
    await page.route('**/mailgun/stats*by=provider*', async (route) => {
      if (route.request().method() === 'OPTIONS') return route.fallback();
      const response = await route.fetch();
      return route.fulfill({ response, json: { buckets } });
    });
    await goTo(page, `#/deliverability?domain=${DOMAIN}&days=14`);
    await takePictures(page, 'provider-limits');
    const said = await page.locator('.standings li').allInnerTexts();
    const complaints = panel('By mailbox provider').locator('td[data-head^="spam reports"]');
    const drawn = await complaints.evaluateAll((cells) => cells.map((cell) => cell.querySelectorAll('.limit').length));
    const labels = await complaints.locator('small').allInnerTexts();
    const note = await panel('By mailbox provider').locator('.note').innerText();
    const widest = () =>
      page.evaluate(() => {
        const [list, tableBox] = [document.querySelector('.standings'), document.querySelector('.standings + .scroll')];
        const badges = [...(list?.querySelectorAll('.badge') ?? [])].map((each) => each.getBoundingClientRect().right);
        const right = list?.getBoundingClientRect().right ?? 0;
        return [Math.max(...badges) <= right, (tableBox?.scrollWidth ?? 0) - (tableBox?.clientWidth ?? 0)];
      });
    const onDesk = await widest();
    await page.setViewportSize(SCREENS[0]);
    const onPhone = await widest();
    await page.setViewportSize(SCREENS[1]);
    await page.unroute('**/mailgun/stats*by=provider*');

    expect(said).toEqual([
      expect.stringMatching(/^Gmail spam reports over the limit of Gmail, 0.3 % /),
      expect.stringMatching(/^Microsoft spam reports over the limit of Gmail and Yahoo, 0.3 % /),
      expect.stringMatching(/^Yahoo permanent failures over our limit, 5 % /),
    ]);
    expect(drawn).toEqual([2, 0, 2, 0]);
    const lines = 'aim 0.1 %, limit 0.3 %';
    expect(labels).toEqual([lines, 'no limit is published', lines, 'no limit is published']);
    expect(note).toContain('that day may still change');
    expect({ onDesk, onPhone }).toEqual({ onDesk: [true, 0], onPhone: [true, 0] });
  });

  test('shows tags of any name', async () => {
    await goTo(page, `#/deliverability?domain=${DOMAIN}`);
    const names = await page.getByRole('region', { name: 'By tag' }).locator('tbody th').allInnerTexts();

    expect(names).toEqual(expect.arrayContaining(['__proto__', 'constructor', '" "', NAUGHTY[0], NAUGHTY[1]]));
  });
});

describe('a campaign', () => {
  test('has the numbers of its report, and everyone it failed for as a file', async () => {
    const { body } = await stack.get('/mailgun/campaigns?tag=newsletter');
    await goTo(page, `#/deliverability?domain=${DOMAIN}`);
    const tag = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'newsletter' }) });
    await tag.getByRole('link', { name: 'campaign' }).click();
    await page.getByRole('heading', { name: 'Campaign newsletter' }).waitFor();
    const rows = page.getByRole('region', { name: 'Mails and people' }).locator('tbody tr');
    const shown = Object.fromEntries(
      await rows.evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent))),
    );

    expect(shown).toMatchObject({
      'mails sent': String(body.mails.mails),
      delivered: String(body.mails.delivered),
      'failed permanently': String(body.mails.failed),
      'not decided yet': String(body.mails.withoutOutcome),
      opened: String(body.people.openers),
      'reported as spam': String(body.people.complainers),
    });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download failed recipients (CSV)' }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8')
      .replace(/\r\n$/, '')
      .split('\r\n');
    const recipients = (body.failures as { recipient: string }[]).map(({ recipient }) => recipient);
    expect(recipients.length).toBeGreaterThan(0);
    expect(download.suggestedFilename()).toBe('failed-newsletter.csv');
    expect(lines[0]).toBe('\uFEFFrecipient,messageId,at,failureClass,reason,code,text');
    // An address may contain quotation marks, which CSV doubles.
    expect(lines.slice(1).map((line) => line.startsWith('"') || recipients.includes(line.split(',')[0] ?? ''))).toEqual(
      recipients.map(() => true),
    );
  });

  const unnamed = { recipient: null, messageId: null, failureClass: 'other', reason: null, code: null, text: null };
  test.each([
    ['counts what the page cannot', { counts: {}, mails: null, people: null }],
    [
      'lists whom the page leaves out',
      { counts: { mails: 9, failed: 9 }, failures: [{ ...unnamed, at: 1_770_000_000 }] },
    ],
  ])('the command that %s is of the time that was chosen', async (_, { counts, ...changed }) => {
    await page.route('**/mailgun/campaigns*', async (route) => {
      if (route.request().method() === 'OPTIONS') return route.fallback();
      const response = await route.fetch();
      const { mails, ...body } = await response.json();
      return route.fulfill({ response, json: { ...body, mails: { ...mails, ...counts }, ...changed } });
    });
    await goTo(page, `#/campaign/newsletter?domain=${DOMAIN}&from=2026-01-30&to=2026-02-09`);
    const commands = await page.locator('.command code').allInnerTexts();
    await goTo(page, '#/find');
    await page.unroute('**/mailgun/campaigns*');

    // The last day is inclusive on the page, and exclusive on the command line.
    expect(commands).toEqual([
      expect.stringContaining(`report --domain ${DOMAIN} --from 2026-01-30 --to 2026-02-10 --csv --local`),
    ]);
  });

  test.each([
    [
      'that there is no archive',
      undefined,
      /Events before .* are no longer in the table, and there is no archive\./,
      0,
    ],
    ['that neither has it', 'counted', /from table and archive\.[\s\S]*Events before .* are in neither table nor/, 0],
    ['what counts it', 'too-large', /Events before .* too many in the archive to be counted here\./, 1],
    ['that reading took too long', 'too-slow', /Events before .* took too long\. Reload this page/, 1],
    ['that the archive failed', 'unavailable', /Events before .* could not be read\. Reload this page/, 1],
    ['that acceptances may lack', 'too-slow', /Mail that was accepted before then, and sent later,/, 1, 1_600_000_000],
  ])('without a part of its mail says %s', async (_, archive, says, commands, completeFrom = 1_770_000_000) => {
    await page.route('**/mailgun/campaigns*', async (route) => {
      if (route.request().method() === 'OPTIONS') return route.fallback();
      const response = await route.fetch();
      const body = { ...(await response.json()), completeness: 'unknown', completeFrom };
      return route.fulfill({ response, json: { ...body, ...(archive && { archive }) } });
    });
    // The current address would not be loaded again.
    await goTo(page, '#/find');
    await goTo(page, `#/campaign/newsletter?domain=${DOMAIN}`);
    const [shown, found] = [await text('main'), await page.locator('.command code').allInnerTexts()];
    const findings = await seriousFindings(page);
    await goTo(page, '#/find');
    await page.unroute('**/mailgun/campaigns*');

    expect(shown).toMatch(/may still change/);
    expect(shown).toMatch(says);
    expect(found).toEqual(
      Array.from({ length: commands }, () => expect.stringMatching(/report --domain .* --csv --local/)),
    );
    expect(findings).toEqual([]);
  });

  test('is printed without controls', async () => {
    await goTo(page, `#/campaign/newsletter?domain=${DOMAIN}`);
    await page.emulateMedia({ media: 'print' });
    const seen = (selector: string) => page.locator(selector).first().isVisible();
    expect([await seen('nav'), await seen('form'), await seen('button'), await seen('main table')]).toEqual([
      ...[false, false, false, true],
    ]);
    await page.emulateMedia({ media: null });
  });
});

describe('times', () => {
  test('are local, with UTC on hover, or the other way round', async () => {
    const messageId = await fourRecipients();
    await goTo(page, `#/message/${encodeURIComponent(messageId)}`);
    const time = page.locator('.timeline time').first();
    const read = async () => [
      await time.innerText(),
      await time.getAttribute('title'),
      await time.getAttribute('datetime'),
    ];
    const [local, utc, iso] = (await read()) as [string, string, string];
    const asLocal = await page.evaluate(
      (at) =>
        new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
          .format(new Date(at))
          .replaceAll(/\s/g, ' '),
      iso,
    );
    expect(local).not.toBe(utc.slice(0, -4));
    expect(local.replaceAll(/\s/g, ' ')).toBe(asLocal);
    expect(utc).toBe(`${iso.slice(0, 19).replace('T', ' ')} UTC`);

    await page.getByRole('button', { name: 'Show UTC' }).click();
    await settled(page);
    expect((await read())[0]).toBe(utc);
    await page.getByRole('button', { name: 'Show local time' }).click();
    await settled(page);
  });
});

test('the dashboard shows texts of hostile senders as text', async () => {
  const routes = [
    `#/message/${encodeURIComponent(HOSTILE_ID)}`,
    `#/recipient/${encodeURIComponent(HOSTILE)}`,
    `#/events?domain=${DOMAIN}&type=clicked`,
    `#/deliverability?domain=${DOMAIN}&tag=${encodeURIComponent(NAUGHTY[0] as string)}`,
    `#/events?domain=${encodeURIComponent(HOSTILE)}&day=<b>&type=${encodeURIComponent(NAUGHTY[1] as string)}`,
  ];
  for (const route of routes) {
    await goTo(page, route);
    for (const summary of await page.locator('summary').all()) await summary.click();
    const made = await page.evaluate(() => ({
      hacked: 'hacked' in window,
      elements: document.querySelectorAll('main img, main script, main b, main [onload], main [onerror]').length,
      foreign: [...document.querySelectorAll('a')].filter((link) => !link.getAttribute('href')?.startsWith('#')).length,
    }));
    expect({ route, ...made }).toEqual({ route, hacked: false, elements: 0, foreign: 0 });
  }

  await goTo(page, routes[0] as string);
  expect(await text('main h2')).toContain(HOSTILE);
  await page.locator('summary').last().click();
  const shown = await page.locator('main').textContent();
  for (const naughty of NAUGHTY.filter((each) => each.trim() !== '' && !each.includes('"'))) {
    expect(shown).toContain(naughty);
  }
});

describe('the dashboard without a response', () => {
  test('shows that it is loading', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/mailgun/messages*', async (route) => {
      await held;
      await route.fallback();
    });
    await page.evaluate(() => {
      window.location.hash = '#/message/held';
    });
    expect(await page.getByRole('status').innerText()).toMatch(/Reading/);
    expect(await page.locator('main').getAttribute('aria-busy')).toBe('true');
    release();
    await settled(page);
    await page.unroute('**/mailgun/messages*');
    expect(await text('h1')).toBe('Not found');
  });

  test('shows that nothing is stored', async () => {
    await goTo(page, '#/recipient/unknown@north.example');
    expect(await text('main')).toContain('No mail to this address is stored: check its spelling.');
    expect(await page.locator('.badge.good').count()).toBe(0);
    await goTo(page, `#/events?domain=${DOMAIN}&day=2020-01-01`);
    expect(await text('main')).toMatch(/No event of this kind/);
    await goTo(page, `#/deliverability?domain=${DOMAIN}&day=2020-01-01&tag=nothing`);
    expect(await text('main')).toMatch(
      /No event of this span[\s\S]*No event of this day[\s\S]*spam report of 2020-01-01/,
    );
  });

  test('repeats a rate-limited request at the time that the API set', async () => {
    let refusals = 0;
    await page.route('**/mailgun/health', async (route) => {
      if (route.request().method() === 'OPTIONS' || refusals > 0) return route.fallback();
      refusals += 1;
      const headers = {
        'access-control-allow-origin': new URL(stack.ready.dashboardUrl).origin,
        'access-control-expose-headers': 'Retry-After',
        'retry-after': '2',
      };
      return route.fulfill({ status: 503, headers, json: { ok: false, reason: 'unavailable' } });
    });
    await goTo(page, '#/health', 'Busy');
    expect(await text('h1')).toBe('Busy');
    expect(await page.getByRole('alert').innerText()).toMatch(/again in [12] s/);
    await takePictures(page, 'busy');

    await page.getByRole('heading', { name: 'Health' }).waitFor();
    expect(refusals).toBe(1);
    await page.unroute('**/mailgun/health');
  });

  describe.each(['ledger', 'events'])('shows Health without %s', (path) => {
    const url = `**/mailgun/${path}?*`;
    const unread = path === 'ledger' ? /ledger could not be read/ : /Last event[^\n]*\s+unknown/;
    const isWhole = () =>
      page.waitForFunction((pattern) => !new RegExp(pattern).test(document.body.innerText), unread.source);
    /** Shows Health while the requests are refused; returns a function that ends that. */
    const showRefused = async (refuse: (route: Route) => Promise<void>) => {
      let isRefused = true;
      await page.route(url, (route) =>
        route.request().method() === 'OPTIONS' || !isRefused ? route.fallback() : refuse(route),
      );
      await goTo(page, '#/find');
      await goTo(page, '#/health');
      expect(await text('main')).toMatch(unread);
      return () => {
        isRefused = false;
      };
    };
    afterEach(async () => {
      await page.unroute(url);
      troubles.length = 0;
    });

    test('where it is rate-limited, and reads it at the time that the API set', async () => {
      const end = await showRefused((route) =>
        route.fulfill({
          status: 429,
          headers: {
            'access-control-allow-origin': new URL(stack.ready.dashboardUrl).origin,
            'access-control-expose-headers': 'Retry-After',
            'retry-after': '2',
          },
          json: { ok: false, reason: 'unavailable' },
        }),
      );
      expect(await text('main')).toMatch(/too busy for all of it\. The page tries again in \d s/);

      end();
      await isWhole();
      expect(await text('main')).not.toContain('too busy');
    });

    test('where the connection is lost, and reads it when it is back', async () => {
      const end = await showRefused((route) => route.abort('failed'));
      expect(await text('main')).not.toContain('too busy');

      end();
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await isWhole();
    });
  });

  test('distinguishes a rate-limited API from one that cannot list tags', async () => {
    await page.route('**/mailgun/stats*', async (route) => {
      if (route.request().method() === 'OPTIONS') return route.fallback();
      const headers = { 'access-control-allow-origin': new URL(stack.ready.dashboardUrl).origin };
      return route.fulfill({ status: 503, headers, json: { ok: false, reason: 'unavailable' } });
    });
    await goTo(page, '#/campaign', 'Busy');
    expect(await text('h1')).toBe('Busy');
    await goTo(page, '#/find');
    await page.unroute('**/mailgun/stats*');
  });

  test('shows a failing engine like a rate-limited API', async () => {
    stack.stack.setFaults([{ service: 'dynamodb', operation: 'Query', mode: '500', percent: 100 }] as never);
    await goTo(page, '#/message/whatever', 'Busy');
    expect(await text('h1')).toBe('Busy');
    stack.stack.setFaults([]);
  });

  test('explains what a request without a response from the gateway may mean', async () => {
    troubles.length = 0;
    await page.route('**/mailgun/health', (route) =>
      route.request().method() === 'OPTIONS' ? route.fallback() : route.abort('failed'),
    );
    await goTo(page, '#/health');
    expect(await text('h1')).toBe('No response');
    expect(await text('main')).toMatch(/gateway may be turning requests away/);
    await page.unroute('**/mailgun/health');
  });

  test('shows that it is offline, and reads again when it is online', async () => {
    await browser.context.setOffline(true);
    await goTo(page, '#/find');
    await goTo(page, '#/health');
    expect(await text('h1')).toBe('Offline');
    await takePictures(page, 'offline');
    expect(await seriousFindings(page)).toEqual([]);

    await browser.context.setOffline(false);
    await page.getByRole('heading', { name: 'Health' }).waitFor();
    troubles.length = 0;
  });
});

describe('the whole page', () => {
  test('is under 100 KB compressed, and consists of its listed files', async () => {
    const base = withoutFragment(stack.ready.dashboardUrl);
    const html = await (await fetch(base)).text();
    const names = ['', 'config.json', ...[...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1])];
    const sizes = await Promise.all(
      names.map(async (name) => gzipSync(Buffer.from(await (await fetch(base + name)).arrayBuffer())).length),
    );
    const compressed = sizes.reduce((sum, size) => sum + size, 0);
    process.stdout.write(`dashboard: ${names.length} files, ${(compressed / 1024).toFixed(1)} KB compressed\n`);

    expect(names).toHaveLength(5);
    expect(compressed).toBeLessThan(100 * 1024);
    for (const path of ['headers.json', '../package.json', 'assets/', 'constructor']) {
      expect((await fetch(base + path)).status).toBe(404);
    }
    expect((await fetch(base, { method: 'POST' })).status).toBe(405);
  });

  test('has a policy that only allows its own files and its API', async () => {
    const response = await fetch(stack.ready.dashboardUrl);

    expect(response.headers.get('content-security-policy')).toContain(`connect-src 'self' ${stack.ready.apiUrl};`);
    expect(response.headers.get('content-security-policy')).not.toMatch(/unsafe/);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('requested only its own origin and the API, without errors', () => {
    const known = [stack.ready.apiUrl, new URL(stack.ready.dashboardUrl).origin];
    const foreign = requests.filter((url) => !known.includes(new URL(url).origin));
    process.stdout.write(`dashboard: ${requests.length} requests, ${foreign.length} external\n`);

    expect(requests.length).toBeGreaterThan(50);
    expect(foreign).toEqual([]);
    expect(troubles).toEqual([]);
  });
});
