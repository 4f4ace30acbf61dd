import { refuseLoweredShards } from '../../../../lib/checks/refuse-lowered-shards.ts';

const template = (...shards: [from: string, count: number][]) => ({
  Outputs: { DayShards: { Value: JSON.stringify(shards.map(([from, count]) => ({ from, count }))) } },
});

test.each([
  ['the first number', {}, template(['2027-01-01', 8]), []],
  ['a higher one', template(['2027-01-01', 4]), template(['2027-01-01', 4], ['2027-02-01', 8]), []],
  ['the same number earlier', template(['2027-02-01', 4]), template(['2027-01-01', 4]), []],
  [
    'the same number later',
    template(['2027-01-01', 4]),
    template(['2027-02-01', 4]),
    ['shards from 2027-01-01 on: 1, deployed are 4'],
  ],
  [
    'a lower number of one day only',
    template(['2027-01-01', 4], ['2027-02-01', 8]),
    template(['2027-01-01', 2], ['2027-02-01', 8]),
    ['shards from 2027-01-01 on: 2, deployed are 4'],
  ],
  ['no number any more', template(['2027-01-01', 4]), {}, ['shards from 2027-01-01 on: 1, deployed are 4']],
])('a deploy with %s', (_, before, after, lines) => {
  const advice = lines.length === 0 ? [] : [expect.stringContaining('only rises')];
  expect(refuseLoweredShards(before, after)).toEqual([...lines, ...advice]);
});
