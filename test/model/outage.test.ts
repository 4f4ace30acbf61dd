import { retryDelaySeconds } from '../../lambdas/process/retry-delay.ts';
import { processingTimes } from '../../lib/config/processing-times.ts';

const HOUR = 3600;
const TIMES = processingTimes({ timeoutSeconds: 30, batchingWindowSeconds: 1, outageHours: 9 });

/** Returns the receive count at which a message succeeds that arrived `sinceSeconds` into an outage, by SQS's rules. */
function receivesUntilStored(outageSeconds: number, sinceSeconds: number, visibilityCanBeChanged: boolean) {
  let nowSeconds = sinceSeconds;
  for (let receives = 1; ; receives += 1) {
    if (nowSeconds >= outageSeconds) return { receives, waitedSeconds: nowSeconds - outageSeconds };
    const delay = visibilityCanBeChanged
      ? retryDelaySeconds(receives, TIMES.visibilitySeconds)
      : TIMES.visibilitySeconds;
    nowSeconds += delay;
  }
}

test.each([
  ['SQS lets process choose the waits', true],
  ['every change of a visibility fails too', false],
])('9 hours without the table send no healthy event to the DLQ: %s', (_name, changeable) => {
  let most = 0;
  let longest = 0;
  for (let since = 0; since < 9 * HOUR; since += 7) {
    const { receives, waitedSeconds } = receivesUntilStored(9 * HOUR, since, changeable);
    most = Math.max(most, receives);
    longest = Math.max(longest, waitedSeconds);
  }
  console.log(
    `outage of 9 h: at most ${most} receives of ${TIMES.maxReceiveCount}, stored within ${longest} s of its end`,
  );
  expect(most).toBeLessThanOrEqual(TIMES.maxReceiveCount);
  expect(longest).toBeLessThanOrEqual(5 * TIMES.visibilitySeconds);
});

test('retry delays double from two seconds up to five visibility timeouts', () => {
  const waits = Array.from({ length: 12 }, (_, n) => retryDelaySeconds(n + 1, 181));
  expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 905, 905, 905]);
});
