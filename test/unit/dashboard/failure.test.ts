import { join } from 'node:path';
import { mock } from 'node:test';
import { installTextDom, textOf } from '../../support/pages/text-dom.ts';

let remove: () => void;
beforeAll(() => {
  remove = installTextDom();
  mock.timers.enable({ apis: ['setInterval'] });
});
afterAll(() => {
  mock.timers.reset();
  remove();
});

/** Shows the note of a view that lacks parts; counts how often the page read again. */
async function noteOf(failures: readonly object[], signal = new AbortController().signal) {
  // Not by a literal name: the dashboard's files are for a browser, and compiled as such.
  const { busyNote } = await import(join(import.meta.dirname, '../../../dashboard/components/failure.ts'));
  let reads = 0;
  const note = busyNote(
    failures,
    () => {
      reads += 1;
    },
    signal,
  );
  return { text: () => textOf(note), reads: () => reads };
}

const busy = (retrySeconds: number) => ({ kind: 'busy', retrySeconds });

describe('a view that lacks parts', () => {
  test('counts down the longest wait of a busy API, then reads once', async () => {
    const { text, reads } = await noteOf([busy(2), { kind: 'unreachable' }, busy(4), busy(3)]);

    expect(text()).toMatch(/tries again in +4 s/);
    mock.timers.tick(3000);
    expect(text()).toMatch(/tries again in +1 s/);
    expect(reads()).toBe(0);
    mock.timers.tick(1000);
    expect(reads()).toBe(1);
    mock.timers.tick(60_000);
    expect(reads()).toBe(1);
  });

  test('does not read again once another view is opened', async () => {
    const opened = new AbortController();
    const { reads } = await noteOf([busy(1)], opened.signal);
    opened.abort();
    mock.timers.tick(60_000);

    expect(reads()).toBe(0);
  });

  test.each([[[]], [[{ kind: 'unreachable' }, { kind: 'failed', status: 500, reason: 'broken' }]]])(
    'does not read again by itself what no wait brings: %j',
    async (failures) => {
      const { text, reads } = await noteOf(failures);
      mock.timers.tick(600_000);

      expect([text(), reads()]).toEqual(['', 0]);
    },
  );
});
