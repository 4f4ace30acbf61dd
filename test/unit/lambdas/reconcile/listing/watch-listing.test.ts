import { LISTING_END, type ListingNote } from '../../../../../lambdas/domain/ledger/listing-note.ts';
import { createWatchListing } from '../../../../../lambdas/reconcile/listing/watch-listing.ts';

const SUNSET = { api: 'events', sunset: 'Thu, 01 Jul 2027 00:00:00 GMT' } as const;

function watched({ configured = 'events' as 'events' | 'logs', noted = {} as ListingNote } = {}) {
  let note = noted;
  const fixture = { failing: false, nowMs: 1000, fallen: [] as number[], announced: [] as object[], failures: 0 };
  const orFail = <Result>(result: () => Result): Promise<Result> =>
    fixture.failing ? Promise.reject(new Error('the table is down')) : Promise.resolve().then(result);
  const goBack = () => {
    const { fellBackAt, ...rest } = note;
    note = rest;
    return fellBackAt !== undefined;
  };
  const open = () =>
    createWatchListing({
      notes: {
        goBack: () => orFail(goBack),
        read: () => orFail(() => note),
        fall: (atMs) =>
          orFail(() => {
            const isFirst = note.fellBackAt === undefined;
            if (isFirst) note = { ...note, fellBackAt: atMs };
            return isFirst;
          }),
        announce: (announced) =>
          orFail(() => {
            const { announced: _, ...rest } = note;
            note = announced === undefined ? rest : { ...rest, announced };
          }),
      },
      configured,
      now: () => fixture.nowMs,
      onFallen: (atMs) => fixture.fallen.push(atMs),
      onAnnounced: (announced) => fixture.announced.push(announced),
      onFailure: () => {
        fixture.failures += 1;
      },
    });
  return { fixture, open, goBack, note: () => note };
}

test('parallel listings that meet the end fall back once, and so does every later instance', async () => {
  const { fixture, open, note } = watched();
  const watch = open();
  await watch.begin();
  expect(watch.hasFallen()).toBe(false);
  await Promise.all([watch.fall(), watch.fall()]);
  fixture.nowMs = 2000;
  await watch.fall();
  expect([watch.hasFallen(), await watch.end(true), fixture.fallen, note()]).toEqual([
    true,
    LISTING_END.gone,
    [1000],
    { fellBackAt: 1000 },
  ]);

  const next = open();
  await next.begin();
  expect([next.hasFallen(), await next.end(false), fixture.fallen]).toEqual([true, LISTING_END.gone, [1000]]);
});

test('after an operator goes back, another end falls back again', async () => {
  const { fixture, open, goBack } = watched();
  const watch = open();
  await watch.fall();
  goBack();
  await watch.begin();
  expect([watch.hasFallen(), await watch.end(true)]).toEqual([false, LISTING_END.none]);
  fixture.nowMs = 2000;
  await watch.fall();
  expect([watch.hasFallen(), fixture.fallen]).toEqual([true, [1000, 2000]]);
});

test('a fallback that cannot be recorded still holds, and is recorded at the end of the run', async () => {
  const { fixture, open, note } = watched();
  const watch = open();
  fixture.failing = true;
  await watch.begin();
  await watch.fall();
  expect([watch.hasFallen(), fixture.failures, note()]).toEqual([true, 2, {}]);
  fixture.failing = false;
  await watch.end(false);
  expect([fixture.fallen, note()]).toEqual([[1000], { fellBackAt: 1000 }]);
});

test('a temporarily unreadable table leaves the known state', async () => {
  const { fixture, open } = watched();
  const watch = open();
  await watch.fall();
  fixture.failing = true;
  await watch.begin();
  expect([watch.hasFallen(), await watch.end(true)]).toEqual([true, LISTING_END.gone]);
});

test('an announcement is recorded when it is new, and removed by a whole run without it', async () => {
  const { fixture, open, note } = watched();
  const watch = open();
  for (const end of [LISTING_END.announced, LISTING_END.announced]) {
    await watch.begin();
    watch.announce(SUNSET);
    expect(await watch.end(false)).toBe(end);
  }
  expect([fixture.announced, note()]).toEqual([[SUNSET], { announced: { ...SUNSET, at: 1000 } }]);
  await watch.begin();
  expect([await watch.end(false), note().announced]).toMatchObject([undefined, SUNSET]);
  await watch.begin();
  expect([await watch.end(true), note()]).toEqual([LISTING_END.none, {}]);
});

test('with Logs in the configuration, the state of the Events API is ignored', async () => {
  const { open } = watched({ configured: 'logs' });
  const watch = open();
  await watch.fall();
  await watch.begin();
  watch.announce(SUNSET);
  expect([watch.hasFallen(), await watch.end(true)]).toEqual([false, LISTING_END.none]);
  watch.announce({ ...SUNSET, api: 'logs' });
  expect(await watch.end(true)).toBe(LISTING_END.announced);
});

test('with Logs in the configuration, a fallback is removed by the first run that can', async () => {
  const { fixture, open, note } = watched({ configured: 'logs', noted: { fellBackAt: 500 } });
  const watch = open();
  fixture.failing = true;
  await watch.begin();
  expect([fixture.failures, note()]).toEqual([1, { fellBackAt: 500 }]);
  fixture.failing = false;
  await watch.begin();
  await watch.begin();
  expect([watch.hasFallen(), await watch.end(true), fixture.failures, note()]).toEqual([
    false,
    LISTING_END.none,
    1,
    {},
  ]);
});
