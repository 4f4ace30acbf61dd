import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import {
  addDimensions,
  boundedDimensions,
  boundedPart,
  countDimensions,
  emptyDimensions,
  lacksFailures,
} from '../../../../../lambdas/domain/ledger/dimensions.ts';
import { countTags } from '../../../../../lambdas/domain/ledger/tally.ts';

const from = (ip: string) =>
  parseEvent({ event: 'delivered', recipient: 'ada@gmail.com', envelope: { 'sending-ip': ip } });

test('a slice keeps its most frequent rows exactly, and sums the others', () => {
  const counted = emptyDimensions();
  for (let n = 0; n < 80; n += 1) {
    for (let times = 0; times <= n; times += 1) countDimensions(counted, from(`192.0.2.${n}`));
  }
  const { ip } = boundedDimensions(counted);
  expect(Object.keys(ip)).toHaveLength(51);
  expect([ip['192.0.2.79'], ip['192.0.2.30'], ip['192.0.2.29']]).toEqual([
    { delivered: 80 },
    { delivered: 31 },
    undefined,
  ]);
  expect(ip.other).toEqual({ delivered: (30 * 31) / 2 });
});

test('a row whose name is a number is kept only for its frequency', () => {
  const counted = emptyDimensions();
  for (let n = 0; n < 60; n += 1) countDimensions(counted, from(String(n)));
  for (let n = 0; n < 60; n += 1) for (let times = 0; times < 2; times += 1) countDimensions(counted, from(`ip-${n}`));
  expect(Object.keys(boundedDimensions(counted).ip).filter((name) => /^\d+$/.test(name))).toEqual([]);
});

test('sums of parts include rows named like members of objects', () => {
  const [one, other] = [emptyDimensions(), emptyDimensions()];
  for (const each of [one, other]) countDimensions(each, from('__proto__'));
  addDimensions(one, other);
  expect(Object.entries(one.ip)).toEqual([['__proto__', { delivered: 2 }]]);
});

test('an unlimited number of names is summed while counting', () => {
  const counted = emptyDimensions();
  for (let n = 0; n < 2000; n += 1) countDimensions(counted, from(`ip-${n}`));
  expect(Object.keys(counted.ip)).toHaveLength(1001);
  expect(counted.ip.other).toEqual({ delivered: 1000 });
});

test('permanent failures by policy are counted by provider and code, besides the failure itself', () => {
  const counted = emptyDimensions();
  const failed = { event: 'failed', severity: 'permanent', recipient: 'ada@gmail.com' };
  const refused = { ...failed, 'delivery-status': { code: 550, 'enhanced-code': '5.7.26' } };
  for (const event of [failed, refused, { ...refused, severity: 'temporary' }, { ...refused, event: 'rejected' }]) {
    countDimensions(counted, parseEvent(event));
  }
  countDimensions(counted, parseEvent({ ...refused, flags: { 'is-test-mode': true } }));
  expect(counted.policy).toEqual({ gmail: { '5.7.26': 1 } });
  expect(counted.provider.gmail).toMatchObject({ permanent_fail: 2, temporary_fail: 1 });
});

test('a part of an earlier version with fewer dimensions is summed too', () => {
  const sum = emptyDimensions();
  addDimensions(sum, { provider: { gmail: { delivered: 1 } }, ip: {} });
  expect(sum).toEqual({ provider: { gmail: { delivered: 1 } }, ip: {}, policy: {}, failure: {} });
});

test('failures are counted by tag and by severity, as rows of tags, also those of mail in test mode', () => {
  const counted = emptyDimensions();
  const failed = { event: 'failed', severity: 'temporary', tags: ['News', 'news', '*'] };
  const givenUp = { ...failed, reason: 'old', flags: { 'is-test-mode': true } };
  for (const event of [failed, givenUp, { ...failed, tags: undefined }, { ...failed, event: 'delivered' }]) {
    countDimensions(counted, parseEvent(event as never));
  }
  expect(counted.failure).toEqual({
    '*': { temporary_fail: 2, permanent_fail: 1 },
    news: { temporary_fail: 1, permanent_fail: 1 },
    '': { temporary_fail: 1 },
  });
});

test('a slice keeps the failures of the most frequent tags up to its limit, and says if some were left out', () => {
  const [counted, tags] = [emptyDimensions(), {}];
  for (let n = 0; n < 999; n += 1) {
    const failed = { event: 'failed', severity: 'permanent', tags: [`${'x'.repeat(100)}-${n}`] };
    for (let times = 0; times < (n === 500 ? 2 : 1); times += 1) {
      countDimensions(counted, parseEvent(failed));
      countTags(tags, parseEvent(failed));
    }
  }
  expect(lacksFailures(tags, counted)).toBe(false);
  const bounded = boundedDimensions(counted);
  expect(bounded.failure).toMatchObject({
    '*': { permanent_fail: 1000 },
    [`${'x'.repeat(100)}-500`]: { permanent_fail: 2 },
  });
  expect(JSON.stringify(bounded.failure).length).toBeLessThan(18_000);
  // A tag may be called so.
  expect(bounded.failure.other).toBeUndefined();
  expect(lacksFailures(tags, bounded)).toBe(true);
  expect(lacksFailures(tags, emptyDimensions())).toBe(false);
});

test('a part keeps more rows than a slice, since it is yet to be summed', () => {
  const counted = emptyDimensions();
  for (let n = 0; n < 120; n += 1) countDimensions(counted, from(`192.0.2.${n}`));
  expect(boundedPart(counted)).toEqual(counted);
});

test('a tag in two spellings counts once, and alike among all events and among failures', () => {
  const event = parseEvent({ event: 'failed', severity: 'permanent', tags: ['News', 'news', '*'] });
  const [tags, dimensions] = [{}, emptyDimensions()];
  countTags(tags, event);
  countDimensions(dimensions, event);
  expect(tags).toEqual({ '*': { failed: 1 }, news: { failed: 1 } });
  expect(dimensions.failure).toEqual({ '*': { permanent_fail: 1 }, news: { permanent_fail: 1 } });
});
