import { parseMisbehaviour } from '../../../../tools/mailgun-twin/api/api-misbehaviour.ts';

test('every fault is parsed', () => {
  const misbehaviour = {
    late: { seconds: 2, percent: 50 },
    changing: 10,
    shortPages: true,
    fails: { mode: '429-retry-after', percent: 5, seconds: 1 },
    next: 'foreign',
    retentionSeconds: 60,
    empty: false,
    items: 'without-id',
    disorderSeconds: 0.5,
    repeats: 10,
    rounding: 'second',
  };

  expect(parseMisbehaviour(misbehaviour)).toEqual(misbehaviour);
  expect(parseMisbehaviour({})).toEqual({});
});

test.each([
  { value: undefined, sentence: 'a body is needed like' },
  { value: { colour: 1 }, sentence: 'colour is not one of late, changing' },
  { value: { late: { seconds: 1 } }, sentence: 'late cannot be {"seconds":1}' },
  { value: { changing: 101 }, sentence: 'changing cannot be 101' },
  { value: { fails: { mode: '418', percent: 1 } }, sentence: 'fails cannot be' },
  { value: { repeats: 101 }, sentence: 'repeats cannot be 101' },
  { value: { rounding: 'hour' }, sentence: 'rounding cannot be "hour"' },
  { value: { next: 'here' }, sentence: 'next cannot be "here"' },
])('$value is refused in one sentence', ({ value, sentence }) => {
  expect(parseMisbehaviour(value)).toContain(sentence);
});
