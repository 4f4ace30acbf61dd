import type { EventEntry, TailResponse } from '../../api/responses/events.ts';
import { EVENT_NAMES } from '../../lambdas/domain/event-types.ts';
import { ApiError, type Failure, type QueryParameters } from '../api.ts';
import { h } from '../components/dom.ts';
import { field, goForm, sameText, select, textsIn } from '../components/form.ts';
import { empty, panel } from '../components/parts.ts';
import { linkTo } from '../route.ts';
import { timeElement, timeText } from '../values/time.ts';
import { domainsOf, type View, type ViewContext } from '../view.ts';
import { eventTable } from './events.ts';

const POLL_MS = 5000;
/** Shown at first, so that the page is not empty. */
const BEGIN_SECONDS = 600;
const MAX_ROWS = 200;
const TROUBLE = 'The read API does not respond. The page retries, and nothing is left out.';
const FILTERS = ['domain', 'type', 'tag', 'recipient'] as const;

/** Events as they are stored, those stored last first; an interruption is made up for by the cursor. */
export const liveView: View = async (context) => {
  const { api, parameters } = context;
  const filters = Object.fromEntries(FILTERS.map((name) => [name, parameters.get(name)]));
  const read = (query: QueryParameters) =>
    api.get<TailResponse>('/events/tail', { ...filters, limit: MAX_ROWS, ...query });
  const form = await liveForm(context);
  const begin = Math.floor(Date.now() / 1000) - BEGIN_SECONDS;
  const first = await read({ from: begin });
  const holder = h('div', {});
  const state = h('p', { role: 'status', class: 'note' });
  let rows: EventEntry[] = [];
  let isPaused = false;

  function take({ events }: TailResponse): void {
    rows = [...events.toReversed(), ...rows].slice(0, MAX_ROWS);
    if (rows.length === 0) holder.replaceChildren(empty('Nothing was stored in the last ten minutes.'));
    else if (events.length > 0) holder.replaceChildren(eventTable(rows, 'Events as they are stored'));
  }

  async function follow(from: TailResponse): Promise<void> {
    let { next: cursor } = from;
    for (let waitMs = from.behind ? 0 : POLL_MS; ; ) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      // The page shows another view.
      if (!holder.isConnected) return;
      waitMs = POLL_MS;
      if (isPaused) continue;
      try {
        const page = await read({ cursor });
        // Pressed meanwhile: what was read stays for the time after it.
        if (isPaused) continue;
        cursor = page.next;
        if (page.behind) waitMs = 0;
        take(page);
        state.replaceChildren('Up to ', timeElement(Date.now() / 1000));
      } catch (error) {
        const seconds = error instanceof ApiError ? retrySeconds(error.failure) : undefined;
        if (seconds !== undefined && isPaused) continue;
        state.textContent = seconds === undefined ? stoppedText(error) : TROUBLE;
        if (seconds === undefined) return;
        waitMs = seconds * 1000;
      }
    }
  }

  take(first);
  // The page is shown before any timer fires.
  void follow(first);
  return {
    title: 'Live',
    content: [panel('Choose', form), panel(`Stored since ${timeText(begin, 'short')}`, pause(), state, holder)],
  };

  function pause(): HTMLElement {
    const button = h(
      'button',
      {
        type: 'button',
        'aria-pressed': 'false',
        click: () => {
          isPaused = !isPaused;
          button.setAttribute('aria-pressed', String(isPaused));
          state.textContent = isPaused ? 'Paused; nothing is left out.' : 'Resumed.';
        },
      },
      'Pause',
    );
    return button;
  }
};

/** Returns why no more is shown; where the page shows another view, it is seen by no one. */
function stoppedText(error: unknown): string {
  const kind = error instanceof ApiError ? error.failure.kind : 'unexpected';
  if (kind === 'unexpected') return 'Nothing more is shown. Reload the page.';
  return `The read API refused the ${kind === 'refused' ? 'token' : 'cursor'}. Reload the page.`;
}

/** Returns when to read again; undefined where that would not help. */
function retrySeconds(failure: Failure): number | undefined {
  if (failure.kind === 'busy') return failure.retrySeconds;
  const mayPass = failure.kind === 'unreachable' || (failure.kind === 'failed' && failure.status >= 500);
  return mayPass ? POLL_MS / 1000 : undefined;
}

async function liveForm({ health, parameters }: ViewContext): Promise<HTMLElement> {
  const domains = domainsOf(await health());
  const given = (name: string) => parameters.get(name) ?? '';
  const textField = (label: string, name: string) =>
    field(label, h('input', { name, value: given(name), autocomplete: 'off', spellcheck: 'false' }));
  const choice = (name: string, values: readonly string[]) =>
    select(name, [['', 'all'], ...sameText(values)], given(name));
  return goForm(
    'Follow',
    (values) => linkTo('live', '', textsIn(values, FILTERS)),
    field('Domain', choice('domain', domains)),
    field('Type', choice('type', EVENT_NAMES)),
    textField('Tag', 'tag'),
    textField('Recipient', 'recipient'),
  );
}
