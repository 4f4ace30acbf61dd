import { createRefusalLog } from '../../../../lambdas/ingest/refusal-log.ts';

/** Lines as [reason, message, times]. */
function logAt(clock: { nowMs: number }) {
  const lines: unknown[][] = [];
  const log = createRefusalLog(
    { count: (_metric, message, { reason }, times = 1) => lines.push([reason, message, times]) },
    () => clock.nowMs,
  );
  return { lines, log };
}

const each = (reason: string) => [reason, 'webhook refused', 1];
const many = (reason: string, times: number) => [reason, 'webhook refused, many in one line', times];
const timesOf = (lines: unknown[][]) => lines.reduce((sum, [, , times]) => sum + Number(times), 0);

test('a few refusals are logged with a line each', () => {
  const clock = { nowMs: 0 };
  const { lines, log } = logAt(clock);
  for (let nth = 0; nth < 10; nth += 1) log.note('unauthorized', {});
  clock.nowMs = 60_000;
  log.settle();

  expect(lines).toEqual(Array.from({ length: 10 }, () => each('unauthorized')));
});

test('a flood of refusals is logged with ten lines in ten seconds and one for the rest, and all are counted', () => {
  const clock = { nowMs: 0 };
  const { lines, log } = logAt(clock);
  for (; clock.nowMs < 30_000; clock.nowMs += 10) log.note('unauthorized', {});
  log.settle();

  expect(lines).toHaveLength(3 * 11);
  expect(timesOf(lines)).toBe(3000);
  expect(lines.slice(9, 12)).toEqual([each('unauthorized'), many('unauthorized', 990), each('unauthorized')]);
});

test('a flood of refusals for one reason does not hide another reason, and is summed at the end of its period', () => {
  const clock = { nowMs: 0 };
  const { lines, log } = logAt(clock);
  for (let nth = 0; nth < 25; nth += 1) log.note('unauthorized', {});
  clock.nowMs = 9999;
  log.note('token-reused', {});
  expect(lines.slice(10)).toEqual([each('token-reused')]);
  clock.nowMs = 10_000;
  log.settle();
  log.settle();

  expect(lines.slice(11)).toEqual([many('unauthorized', 15)]);
});
