import { responsesText } from '../../../../../cli/commands/webhooks.ts';
import { TargetUnavailableError } from '../../../../../cli/errors.ts';
import { stubDeployment } from '../../../../support/cli/command-line.ts';

const NOW_MS = Date.parse('2026-11-22T08:00:00Z');

/** Returns the advice for requests with these statuses, a minute apart, newest first. */
const after = (statuses: readonly (number | string)[]) =>
  responsesText(
    stubDeployment({
      logs: async (source, sinceMs) => {
        expect({ source, sinceMs }).toEqual({ source: 'webhook-access', sinceMs: NOW_MS - 7_200_000 });
        return statuses.map((status, nth) => ({ atMs: NOW_MS - nth * 60_000, facts: { status } })).toReversed();
      },
    }),
    NOW_MS,
  );

test.each<[number | string, string]>([
  [401, 'keys status'],
  [406, 'logs ingest --since 2h --message "webhook refused"'],
  [429, 'logs webhook-access --since 2h --status 429'],
  [503, 'logs ingest --since 2h --message "webhook refused"'],
  [500, 'logs ingest --since 2h --message "webhook refused"'],
  ['404', 'logs webhook-access --since 2h --status 4xx'],
])('webhooks check names the next command after responses of %s', async (status, command) => {
  expect((await after([status, status, 200])).slice(1)).toEqual([
    expect.stringMatching(new RegExp(`^  ${status}  2 times, the last 2026-11-22 08:00:00 UTC \\(.+\\): .+; next: `)),
    '  200  1 time, the last 2026-11-22 07:58:00 UTC (2 min ago): acknowledged',
  ]);
  expect((await after([status]))[1]).toMatch(new RegExp(`; next: npm run ledger -- ${command} --local --port 4010$`));
});

test('webhooks check explains missing events after acknowledged requests as waiting or forged', async () => {
  expect(await after([200, '200'])).toEqual([
    expect.any(String),
    expect.stringContaining('200  2 times'),
    expect.stringMatching(/npm run ledger -- status --local.+npm run ledger -- unconfirmed --local/),
  ]);
});

test('webhooks check advises to try the URL without requests', async () => {
  expect(await after([])).toEqual([expect.stringContaining('npm run ledger -- send-test --local --port 4010')]);
});

test('webhooks check works with an unreadable access log', async () => {
  const logs = async () => {
    throw new TargetUnavailableError('no such log group');
  };
  expect(await responsesText(stubDeployment({ logs }), NOW_MS)).toEqual([
    'What the webhook URL returned is not known: no such log group.',
  ]);
});

test('webhooks check passes on any other error', async () => {
  const logs = async () => {
    throw new RangeError('a bug');
  };
  await expect(responsesText(stubDeployment({ logs }), NOW_MS)).rejects.toThrow('a bug');
});
