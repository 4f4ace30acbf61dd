import { createRandom } from '../../../../../tools/mailgun-twin/random.ts';
import { scheduleMessages } from '../../../../../tools/mailgun-twin/traffic/schedule-messages.ts';
import {
  LEGACY_TIMELINES,
  SUBACCOUNT_TIMELINE,
  TIMELINES,
} from '../../../../../tools/mailgun-twin/traffic/timelines.ts';

const DAY_SECONDS = 29_100;
const ALL = [...TIMELINES, ...LEGACY_TIMELINES, SUBACCOUNT_TIMELINE];

const scheduled = (run: string, seed = 5) =>
  scheduleMessages(ALL, {
    domains: ['mg.example.com', 'news.example.com'],
    run,
    epochMs: 1_790_000_000_000,
    daySeconds: DAY_SECONDS,
    random: createRandom(seed),
  });

test.each(ALL)('every recipient of $name has events and a deciding one', (timeline) => {
  for (let nth = 0; nth < timeline.messages; nth += 1) {
    const steps = timeline.steps(nth);
    for (const recipient of timeline.expected.keys()) {
      expect(steps.some((step) => step.recipient === recipient && step.decides)).toBe(true);
    }
    expect(Math.max(...steps.map((step) => step.recipient))).toBe(timeline.expected.length - 1);
  }
});

test('message ids are unique across messages and runs, except for the test button', () => {
  const isOwn = ({ mail }: { mail: { messageId: string } }) => !mail.messageId.startsWith('20180321');
  const ids = [...scheduled('00000001'), ...scheduled('00000002')].filter(isOwn).map(({ mail }) => mail.messageId);

  expect(new Set(ids).size).toBe(ids.length);
});

test('every timeline begins and ends within the day', () => {
  for (const { startSeconds, steps } of scheduled('00000001')) {
    const ends = steps.map(({ afterSeconds, heldSeconds }) => startSeconds + afterSeconds + heldSeconds);

    expect(startSeconds).toBeGreaterThanOrEqual(0);
    expect(Math.max(...ends)).toBeLessThanOrEqual(DAY_SECONDS);
  }
});

test('the recipients of one message are different people', () => {
  for (const { mail } of scheduled('00000001')) {
    expect(new Set(mail.to.map((address) => address.toLowerCase())).size).toBe(mail.to.length);
  }
});

test('every tag has mail that failed permanently, whatever the seed', () => {
  const fails = ({ timeline }: { timeline: { expected: readonly { status: string }[] } }) =>
    timeline.expected.some(({ status }) => status === 'FAILED');
  for (let seed = 0; seed < 200; seed += 1) {
    const failed = scheduled('00000001', seed).filter(fails);

    expect([...new Set(failed.flatMap(({ mail }) => mail.tags))].toSorted()).toEqual([
      'newsletter',
      'password-reset',
      'receipt',
      'spring',
    ]);
  }
});
