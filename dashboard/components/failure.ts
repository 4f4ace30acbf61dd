import type { Failure } from '../api.ts';
import type { Shown } from '../view.ts';
import { type Child, h } from './dom.ts';

/** Returns why nothing could be read, apart from the token. If the API is busy, the page retries by itself. */
export function showFailure(
  failure: Exclude<Failure, { kind: 'refused' }>,
  apiUrl: string,
  again: () => void,
  signal: AbortSignal,
): Shown {
  const tryAgain = h('button', { type: 'button', click: again }, 'Try again');
  const say = (title: string, ...content: Child[]): Shown => ({
    title,
    content: [h('div', { class: 'panel', role: 'alert' }, ...content)],
  });
  switch (failure.kind) {
    case 'unreachable':
      if (navigator.onLine) {
        return say(
          'No response',
          h('p', {}, `${apiUrl} does not respond to this page.`),
          h(
            'p',
            { class: 'note' },
            'The API may be down, its gateway may be turning requests away, or this page’s origin is not among its allowed origins.',
          ),
          tryAgain,
        );
      }
      return say(
        'Offline',
        h('p', {}, 'This device is offline. Back online, the page reads again by itself.'),
        tryAgain,
      );
    case 'busy': {
      const wait = countDown(failure.retrySeconds, again, signal);
      return say('Busy', h('p', {}, 'The read API is busy. The page tries again in ', wait, '.'), tryAgain);
    }
    case 'unknown':
      return say(
        'Not found',
        h('p', {}, 'Nothing with this name is stored.'),
        h('p', { class: 'note' }, failure.reason),
      );
    case 'unexpected':
      return say(
        'Unexpected response',
        h('p', {}, 'The read API sent what this page cannot show. Reload the page: its version may be another one.'),
        h('p', { class: 'note' }, failure.reason),
        tryAgain,
      );
    case 'failed':
      return say(`Response ${failure.status}`, h('p', {}, failure.reason), tryAgain);
    default:
      return failure satisfies never;
  }
}

/** Says that a busy API did not return parts of a view, and calls `again` after the longest wait; false if it returned all. */
export function busyNote(failures: readonly Failure[], again: () => void, signal: AbortSignal): Child {
  const waits = failures.flatMap((failure) => (failure.kind === 'busy' ? [failure.retrySeconds] : []));
  return (
    waits.length > 0 &&
    h(
      'p',
      { class: 'note' },
      'The read API was too busy for all of it. The page tries again in ',
      countDown(Math.max(...waits), again, signal),
      '.',
    )
  );
}

/** Shows the seconds left, then calls `again` once, unless aborted. */
function countDown(seconds: number, again: () => void, signal: AbortSignal): HTMLElement {
  let left = seconds;
  const wait = h('strong', {}, `${left} s`);
  const timer = setInterval(() => {
    left -= 1;
    wait.textContent = `${left} s`;
    if (signal.aborted || left <= 0) clearInterval(timer);
    if (!signal.aborted && left <= 0) again();
  }, 1000);
  return wait;
}
