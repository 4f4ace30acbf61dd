import { ApiError, createApi, type Failure } from './api.ts';
import { type Child, h } from './dom.ts';
import { copyButton, field, goForm, textIn } from './parts.ts';
import { linkTo, parseRoute, type ViewName } from './route.ts';
import {
  acceptHandedOver,
  endSession,
  keepSession,
  readSession,
  type Session,
  type Settings,
  takeHandedOver,
} from './session.ts';
import type { Health } from './shapes.ts';
import { chooseZone, chosenZone, localZoneName } from './time.ts';
import type { View } from './view.ts';
import { deliverabilityView } from './views/deliverability.ts';
import { eventsView } from './views/events.ts';
import { findView } from './views/find.ts';
import { healthView } from './views/health.ts';
import { messageView } from './views/message.ts';
import { recipientView } from './views/recipient.ts';

const VIEWS: Readonly<Record<ViewName, View>> = {
  health: healthView,
  find: findView,
  message: messageView,
  recipient: recipientView,
  events: eventsView,
  deliverability: deliverabilityView,
};
const NAVIGATION = [
  ['health', 'Health'],
  ['find', 'Find'],
  ['deliverability', 'Deliverability'],
] as const;

const handedOver = takeHandedOver();
const settings = await readSettings();
acceptHandedOver(handedOver, settings);
const main = h('main', { id: 'main', tabindex: -1 });
const navigation = h('nav', { 'aria-label': 'Views' });
const footer = h('footer');
let loading = new AbortController();

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
window.addEventListener('hashchange', () => void show(true));
window.addEventListener('online', () => void show(false));
await show(false);

/** What lies beside the page; a page without it asks for the API's address too. */
async function readSettings(): Promise<Settings> {
  try {
    const answer = await fetch('config.json');
    return answer.ok ? ((await answer.json()) as Settings) : {};
  } catch {
    return {};
  }
}

/** Shows what the address says. Whatever was loading for an earlier address is given up. */
async function show(isNavigation: boolean): Promise<void> {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  acceptHandedOver(takeHandedOver(), settings);
  const { view, subject, parameters } = parseRoute(window.location.hash);
  drawNavigation(view);
  drawFooter();
  const session = readSession(settings);
  if (session === undefined) {
    put('Sign in', [signIn()]);
    return;
  }
  main.setAttribute('aria-busy', 'true');
  if (isNavigation || main.childElementCount === 0) {
    put('Loading', [h('p', { role: 'status', class: 'loading' }, 'Reading from the ledger…')]);
    main.setAttribute('aria-busy', 'true');
  }
  const api = createApi(session.apiUrl, session.token, signal);
  let health: Promise<Health> | undefined;
  try {
    const shown = await VIEWS[view]({
      api,
      subject,
      parameters,
      settings,
      health: () => {
        health ??= api.get<Health>('/health');
        return health;
      },
    });
    if (signal.aborted) return;
    put(shown.title, shown.content, view !== 'find');
    if (isNavigation) main.focus({ preventScroll: true });
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    showFailure(error.failure, session, signal);
  }
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

function showFailure(failure: Failure, { apiUrl }: Session, signal: AbortSignal): void {
  const again = h('button', { type: 'button', click: () => void show(false) }, 'Try again');
  const say = (title: string, ...content: Child[]) =>
    put(title, [h('div', { class: 'panel', role: 'alert' }, ...content)]);
  switch (failure.kind) {
    case 'refused':
      endSession();
      put('Sign in', [h('p', { role: 'alert', class: 'trouble' }, 'The read API refused the token.'), signIn(apiUrl)]);
      return;
    case 'unreachable':
      if (navigator.onLine) {
        say(
          'No answer',
          h('p', {}, `${apiUrl} does not answer this page.`),
          h(
            'p',
            { class: 'note' },
            'The API may be down, its gateway may be turning requests away, or this page’s origin is not among its allowed origins.',
          ),
          again,
        );
      } else {
        say('Offline', h('p', {}, 'This device is offline. Back online, the page reads again by itself.'), again);
      }
      return;
    case 'busy': {
      let left = failure.retrySeconds;
      const wait = h('strong', {}, `${left} s`);
      const timer = setInterval(() => {
        left -= 1;
        wait.textContent = `${left} s`;
        if (signal.aborted || left <= 0) clearInterval(timer);
        if (!signal.aborted && left <= 0) void show(false);
      }, 1000);
      say('Busy', h('p', {}, 'The read API asks for patience. It is asked again in ', wait, '.'), again);
      return;
    }
    case 'unknown':
      say('Not found', h('p', {}, 'Nothing of this name is stored.'), h('p', { class: 'note' }, failure.reason));
      return;
    case 'failed':
      say(`Answered ${failure.status}`, h('p', {}, failure.reason), again);
      return;
    default:
      failure satisfies never;
  }
}

function signIn(apiUrl = ''): HTMLElement {
  const input = (name: string, type: string, value = '') =>
    h('input', { name, type, value, required: true, autocomplete: 'off', spellcheck: 'false' });
  const form = goForm(
    'Read the ledger',
    (values) => {
      keepSession({
        apiUrl: settings.apiUrl ?? textIn(values, 'api').replace(/\/$/, ''),
        token: textIn(values, 'token'),
      });
      // The address stays; where it says nothing new, no event tells of it.
      queueMicrotask(() => void show(true));
      return window.location.hash;
    },
    settings.apiUrl === undefined && field('Address of the read API', input('api', 'url', apiUrl)),
    field('Token', input('token', 'password')),
  );
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, 'Token of the read API'),
    form,
    h(
      'p',
      { class: 'note' },
      'It is kept until this tab is closed, and never stands in a link. The stack’s output ',
      h('code', {}, 'ApiTokenSecretArn'),
      ' names the secret that holds it.',
    ),
  );
}

function drawNavigation(current: ViewName): void {
  const shown = current === 'message' || current === 'recipient' || current === 'events' ? 'find' : current;
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
  const says = zone === 'UTC' || !hasOther ? 'Times in UTC' : `Times in ${localZoneName()}, UTC on hover`;
  footer.replaceChildren(h('span', {}, says), ...(hasOther ? [switchZone] : []), forget);
}
