import { TokenBucket } from '../../../../../tools/local-stack/http-api/token-bucket.ts';

function bucketAt(ratePerSecond: number, burst: number) {
  const clock = { ms: 0 };
  return { clock, bucket: new TokenBucket(ratePerSecond, burst, () => clock.ms) };
}

test('a token bucket admits a burst, and no more', () => {
  const { bucket } = bucketAt(10, 3);

  expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, true, false]);
});

test('a token bucket refills at its rate', () => {
  const { bucket, clock } = bucketAt(10, 1);
  bucket.take();

  clock.ms = 99;
  expect(bucket.take()).toBe(false);
  clock.ms = 100;
  expect(bucket.take()).toBe(true);
});

test('a token bucket holds at most its burst', () => {
  const { bucket, clock } = bucketAt(10, 2);

  clock.ms = 3_600_000;

  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, false]);
});
