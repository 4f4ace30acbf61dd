import { brokenSignatureRules, brokenTimeRules, processingTimes } from '../../../../lib/config/processing-times.ts';

describe('the times of queue and process', () => {
  const CHOICE = { timeoutSeconds: 30, batchingWindowSeconds: 1, outageHours: 9 };
  const TIMES = processingTimes(CHOICE);

  test('follow from timeout, batching window and outage', () => {
    expect(TIMES).toEqual({
      visibilitySeconds: 181,
      maxReceiveCount: 190,
      queueRetentionSeconds: 4 * 86_400,
      deadLetterRetentionSeconds: 14 * 86_400,
    });
    expect(brokenTimeRules(CHOICE, TIMES, false)).toEqual([]);
  });

  test.each<[choice: object]>([[{ timeoutSeconds: 900 }], [{ outageHours: 48 }], [{ batchingWindowSeconds: 300 }]])(
    'meet their rules at %j',
    (extreme) => {
      const choice = { ...CHOICE, ...extreme };

      expect(brokenTimeRules(choice, processingTimes(choice), false)).toEqual([]);
    },
  );

  test.each<[times: object, text: string]>([
    [
      { visibilitySeconds: 180, maxReceiveCount: 190 },
      'visibility 180 s must be at least 6 x timeout + batching window = 181 s',
    ],
    [{ maxReceiveCount: 178 }, 'receive count x visibility = 8.9 h must be at least 9 h; raise outageHours'],
    [
      { queueRetentionSeconds: 171_950 },
      'queue retention 171950 s must exceed the longest stay 171950 s, or a message expires unseen',
    ],
    [
      { deadLetterRetentionSeconds: 345_600 },
      'dead-letter retention 345600 s must exceed queue retention 345600 s (a dead letter keeps its age); lower outageHours',
    ],
  ])('%j breaks its rule', (times, text) => {
    expect(brokenTimeRules(CHOICE, { ...TIMES, ...times }, false)).toEqual([text]);
  });
});

describe('the times of a signature', () => {
  const TIMES = { windowSeconds: 86_400, retryHorizonSeconds: 29_100, claimMarginSeconds: 3600 };

  test.each<[times: object, broken: string[]]>([
    [{}, []],
    [{ windowSeconds: 29_101 }, []],
    [
      { windowSeconds: 29_100 },
      ["signature window 29100 s must exceed Mailgun's retry horizon 29100 s, or late retries are refused"],
    ],
    [{ claimMarginSeconds: 0 }, ['claim margin 0 s must be above 0, or a signature outlives the claim on its token']],
  ])('%j', (times, broken) => {
    expect(brokenSignatureRules({ ...TIMES, ...times })).toEqual(broken);
  });
});
