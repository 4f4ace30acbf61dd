import type { HealthResponse } from '../api/responses/health.ts';
import { ApiError, createApi, type Failure } from './api.ts';
import { type Child, h } from './components/dom.ts';
import { busyNote, showFailure } from './components/failure.ts';
import { breakableId, copyButton, visible } from './components/parts.ts';
import { linkTo, NAVIGATION, parseRoute, type ViewName } from './route.ts';
import { acceptHandedOver, endSession, keepSession, readSession, type Settings, takeHandedOver } from './session.ts';
import { signIn } from './sign-in.ts';
import { chooseZone, chosenZone, localZoneName } from './values/time.ts';
import type { View } from './view.ts';
import { campaignView } from './views/campaign.ts';
import { deliverabilityView } from './views/deliverability.ts';
import { eventsView } from './views/events.ts';
import { findView } from './views/find.ts';
import { healthView } from './views/health.ts';
import { liveView } from './views/live.ts';
import { mailsView } from './views/mails.ts';
import { messageView } from './views/message.ts';
import { receiverView } from './views/receiver.ts';
import { recipientView } from './views/recipient.ts';
import { searchView } from './views/search.ts';
import { unknownView } from './views/unknown.ts';

const VIEWS: Readonly<Record<ViewName, View>> = {
  health: healthView,
  find: findView,
  search: searchView,
  message: messageView,
  recipient: recipientView,
  events: eventsView,
  mails: mailsView,
  live: liveView,
  deliverability: deliverabilityView,
  campaign: campaignView,
  receiver: receiverView,
  unknown: unknownView,
};
/** Views that another one leads to. */
const PARENTS: Readonly<Partial<Record<ViewName, ViewName>>> = {
  search: 'find',
  message: 'find',
  recipient: 'find',
  events: 'find',
  mails: 'find',
  receiver: 'health',
};

const handedOver = takeHandedOver();
const main = h('main', { id: 'main', tabindex: -1 });
const navigation = h('nav', { 'aria-label': 'Views' });
const footer = h('footer');
let loading = new AbortController();
/** False while a failure is shown, or not all yet: then a connection that is back is a reason to read again. */
let isShown = false;

document.body.append(
  h(
    'a',
    {
      class: 'skip',
      href: '#main',
      click: (event) => {
        event.preventDefault();
        main.focus();
      },
    },
    'Skip to content',
  ),
  h(
    'header',
    {},
    h('a', { class: 'brand', href: linkTo('health') }, 'mailgun-ledger'),
    navigation,
    copyButton('Copy link', () => window.location.href),
  ),
  main,
  footer,
);
const settings = await readSettings();
acceptHandedOver(handedOver, settings);
window.addEventListener('hashchange', () => void show(true));
window.addEventListener('online', () => isShown || void show(false));
await show(false);

/** Returns the settings served beside the page; without them the page asks for the API's URL too. */
async function readSettings(): Promise<Settings> {
  for (;;) {
    put('Loading', [loadingNote()]);
    try {
      const response = await fetch('config.json');
      if (response.ok) return (await response.json()) as Settings;
      if (response.status === 403 || response.status === 404) return {};
    } catch (error) {
      // A host without the file may return a page in its place.
      if (error instanceof SyntaxError) return {};
    }
    await new Promise((resolve) => {
      const again = h('button', { type: 'button', click: resolve }, 'Try again');
      const words = h('p', {}, 'The settings of this page, which name its API, could not be read.');
      put('No response', [h('div', { class: 'panel', role: 'alert' }, words, again)]);
      window.addEventListener('online', resolve, { once: true });
    });
  }
}

function loadingNote(): HTMLElement {
  return h('p', { role: 'status', class: 'loading' }, 'Reading from the ledger…');
}

/** Shows the view of the address, and aborts what was loading for an earlier one. */
async function show(isNavigation: boolean): Promise<void> {
  loading.abort();
  loading = new AbortController();
  isShown = false;
  const { signal } = loading;
  acceptHandedOver(takeHandedOver(), settings);
  const { view, subject, parameters } = parseRoute(window.location.hash);
  drawNavigation(view);
  drawFooter();
  const session = readSession(settings);
  if (session === undefined) {
    put('Sign in', [signIn(settings, keepSession)]);
    return;
  }
  main.setAttribute('aria-busy', 'true');
  if (isNavigation || main.childElementCount === 0) {
    put('Loading', [loadingNote()]);
    main.setAttribute('aria-busy', 'true');
  }
  const api = createApi(session.apiUrl, session.token, signal);
  let health: Promise<HealthResponse> | undefined;
  try {
    const shown = await VIEWS[view]({
      api,
      subject,
      parameters,
      settings,
      health: () => {
        health ??= api.get<HealthResponse>('/health');
        return health;
      },
    });
    if (signal.aborted) return;
    if (shown.instead !== undefined) {
      // Back leads to where the search was typed, not here again.
      window.location.replace(shown.instead);
      return;
    }
    const { failures = [] } = shown;
    const busy = busyNote(failures, () => void show(false), signal);
    put(shown.title, [foundNote(parameters), busy, ...shown.content], view !== 'find');
    isShown = !failures.some(({ kind }) => kind === 'unreachable');
    if (isNavigation) main.focus({ preventScroll: true });
  } catch (error) {
    if (signal.aborted) return;
    // A view that meets a form of response it does not know, as of another version, must not leave the page waiting.
    const failure: Failure = error instanceof ApiError ? error.failure : { kind: 'unexpected', reason: String(error) };
    if (failure.kind === 'refused') {
      endSession();
      const trouble = h('p', { role: 'alert', class: 'trouble' }, 'The read API refused the token.');
      put('Sign in', [trouble, signIn(settings, keepSession, session.apiUrl)]);
      return;
    }
    const shown = showFailure(failure, session.apiUrl, () => void show(false), signal);
    put(shown.title, shown.content);
  }
}

/** Shows what was searched if the search led straight to a page. */
function foundNote(parameters: URLSearchParams): Child {
  const text = parameters.get('found');
  return (
    text !== null &&
    h(
      'p',
      { class: 'note' },
      'You searched for ',
      h('span', { class: 'id' }, breakableId(visible(text))),
      ', as an address and as a message id: this is it. ',
      h('a', { href: linkTo('search', text, { all: '1' }) }, 'Show what else was searched'),
    )
  );
}

function put(title: string, content: readonly Child[], canRefresh = false): void {
  document.title = `${title} · mailgun-ledger`;
  main.removeAttribute('aria-busy');
  const refresh = h('button', { type: 'button', class: 'quiet', click: () => void show(false) }, 'Refresh');
  main.replaceChildren(
    h('div', { class: 'title' }, h('h1', {}, title), canRefresh ? refresh : ''),
    h('div', { class: 'content' }, ...content),
  );
}

function drawNavigation(current: ViewName): void {
  const shown = PARENTS[current] ?? current;
  navigation.replaceChildren(
    ...NAVIGATION.map(([view, name]) =>
      h('a', { href: linkTo(view), 'aria-current': view === shown ? 'page' : undefined }, name),
    ),
  );
}

function drawFooter(): void {
  const zone = chosenZone();
  const other = zone === 'UTC' ? 'local' : 'UTC';
  const quiet = (text: string, click: () => void) => h('button', { type: 'button', class: 'quiet', click }, text);
  const switchZone = quiet(other === 'UTC' ? 'Show UTC' : 'Show local time', () => {
    chooseZone(other);
    void show(false);
  });
  const forget = quiet('Forget token', () => {
    endSession();
    void show(true);
  });
  const hasOther = localZoneName() !== 'UTC';
  const zoneText = zone === 'UTC' || !hasOther ? 'Times in UTC' : `Times in ${localZoneName()}, UTC on hover`;
  footer.replaceChildren(h('span', {}, zoneText), ...(hasOther ? [switchZone] : []), forget);
}
