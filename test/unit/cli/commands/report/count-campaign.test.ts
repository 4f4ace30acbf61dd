import { randomUUID } from 'node:crypto';
import { globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { withSpills } from '../../../../../cli/commands/report/count-campaign.ts';

const KEYS = Array.from({ length: 300 }, (_, nth) => `key-${nth}`);
// A line may hold signs that some readers take for its end, and signs of several bytes.
const LINES = KEYS.flatMap((key) => [1, 2, 3].map((nth) => ({ key, line: `${key} ${nth} \u2028 ü🏳️` })));

const filesOf = (maxBytes?: number) =>
  withSpills(async (create) => {
    const spill = create('lines');
    for (const { key, line } of LINES) spill.add(key, line);
    return [...spill.files()];
  }, maxBytes);

test.each([
  { name: 'as they were written', maxBytes: undefined, most: 64 },
  { name: 'divided until they are small', maxBytes: 300, most: 300 },
])('files hold every line once, with the lines of a key together, $name', async ({ maxBytes, most }) => {
  const files = await filesOf(maxBytes);

  expect(files.flat().toSorted()).toEqual(LINES.map(({ line }) => line).toSorted());
  const homes = new Map(KEYS.map((key) => [key, new Set<number>()]));
  for (const [nth, lines] of files.entries()) for (const line of lines) homes.get(line.split(' ')[0] ?? '')?.add(nth);
  expect([...homes.values()].every(({ size }) => size === 1)).toBe(true);
  expect(files.length).toBeLessThanOrEqual(most);
});

test('no file above the maximum size is read whole, unless it holds one key', async () => {
  const files = await filesOf(300);

  const tooLarge = files.filter((lines) => Buffer.byteLength(lines.join('\n')) > 300);
  expect(files.length).toBeGreaterThan(64);
  expect(tooLarge).toEqual([]);
});

test('lines of one key stay in one file, even beyond its maximum size', async () => {
  const files = await withSpills(async (create) => {
    const spill = create('lines');
    for (let nth = 0; nth < 50; nth += 1) spill.add('one', `line ${nth}`);
    return [...spill.files()];
  }, 100);

  expect(files.map((lines) => lines.length)).toEqual([50]);
});

test('a file of one key is not divided, however large', async () => {
  const name = randomUUID();
  const found = await withSpills(async (create) => {
    const spill = create(name);
    for (let nth = 0; nth < 50; nth += 1) spill.add('one', `line ${nth}`);
    spill.files().next();
    return globSync(`mailgun-ledger-report-*/${name}*`, { cwd: tmpdir() });
  }, 100);

  expect(found).toEqual([expect.stringMatching(new RegExp(`/${name}-\\d+$`))]);
});
