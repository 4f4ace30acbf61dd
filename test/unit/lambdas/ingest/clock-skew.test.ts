import { judgeClocks } from '../../../../lambdas/ingest/clock-skew.ts';

const NOW_MS = 1_790_000_000_000;
const NOW = NOW_MS / 1000;

test.each([
  ['a signature of the future', NOW + 1200, NOW_MS - 20, "the sender's is ahead", 1200],
  ['a signature of yesterday', NOW - 90_000, NOW_MS - 20, "the sender's is behind, or sent again", 90_000],
  ['a gateway that is a day ahead of the function', NOW + 86_400, NOW_MS + 86_400_000, 'ours is behind', 86_400],
  ['a gateway that is a day behind the function', NOW - 86_400, NOW_MS - 86_400_000, 'ours is ahead', 86_400],
  ['a gateway that differs by a minute', NOW + 900, NOW_MS + 60_000, "the sender's is ahead", 900],
  ['no time of the gateway', NOW + 900, undefined, "the sender's is ahead", 900],
])('of %s', (_, signedAt, gatewayMs, clock, secondsOff) => {
  expect(judgeClocks({ signedAt, gatewayMs, nowMs: NOW_MS })).toEqual({ clock, secondsOff });
});
