import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { mailgunTimeMs } from '../../../cli/time.ts';

const MS = Date.UTC(2026, 10, 29, 12);

test.each([
  ['2026-11-29T12:00:00Z', MS],
  ['2026-11-29T14:00:00+02:00', MS],
  ['2026-11-29T12:00:00', MS],
  ['2026-11-29T12:00:00.000', MS],
  ['Sun, 29 Nov 2026 12:00:00 GMT', MS],
  ['Sun, 29 Nov 2026 12:00:00 UTC', MS],
  ['Sun, 29 Nov 2026 12:00:00 -0000', MS],
  ['soon', undefined],
  [1_790_000_000, undefined],
])("Mailgun's time %p is UTC where it names no offset", (text, ms) => {
  expect(mailgunTimeMs(text)).toBe(ms);
});

test("Mailgun's time is UTC also on a machine in another zone", () => {
  const module = JSON.stringify(join(import.meta.dirname, '../../../cli/time.ts'));
  const script = `import { mailgunTimeMs } from ${module}; console.log(mailgunTimeMs('2026-11-29T12:00:00'));`;
  const env = { ...process.env, TZ: 'America/New_York' };
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env });
  expect(Number(printed)).toBe(MS);
});
