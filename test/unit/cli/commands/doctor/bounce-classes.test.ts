import { stackChecks } from '../../../../../cli/commands/doctor/stack-checks.ts';
import { TargetUnavailableError } from '../../../../../cli/errors.ts';
import { bounceClassesKey } from '../../../../../lambdas/domain/keys.ts';
import { stubDeployment } from '../../../../support/cli/command-line.ts';
import { tableOfItems } from '../../../../support/doubles/stub-table.ts';

const DOMAIN = 'mg.example.com';
const NOW_MS = Date.parse('2026-02-02T02:06:00Z');

/** The check of a stack that says of the setting what `outputs` do, and has tried two hours ago. */
function check(note?: string | null, outputs: Record<string, string> = { BounceClasses: 'yes' }) {
  const known = { ...bounceClassesKey(DOMAIN), triedAt: NOW_MS - 7_200_000, note, read: 'null' };
  const output = (name: string) => {
    const value = { TableName: 'table', ...outputs }[name];
    if (value === undefined) throw new TargetUnavailableError('no such output');
    return value;
  };
  const deployment = stubDeployment({
    domains: [DOMAIN],
    output,
    clients: tableOfItems(note === undefined ? [] : [known]),
  });
  const checks = stackChecks({ deployment, account: undefined, now: () => NOW_MS });
  return checks.find(({ name }) => name === `bounce classes of ${DOMAIN}`);
}

test.each([
  [null, 'ok', /^Mailgun gives them, asked .*2 h ago/],
  ['not-given', 'warning', /none to this key or plan, asked .*2 h ago/],
  ['rate-limited', 'warning', /not read: rate-limited, asked .*2 h ago/],
  [undefined, 'skipped', /not been asked yet/],
])('doctor judges the classes of bounces with the note %s as %s', async (note, state, says) => {
  expect(await check(note)?.check()).toMatchObject({ state, says: expect.stringMatching(says) });
});

test('doctor skips the classes of bounces unless they are configured', () => {
  expect(check(null, {})).toBeUndefined();
});
