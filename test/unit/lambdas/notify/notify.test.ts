import { alarmDescription } from '../../../../lambdas/domain/alarm-description.ts';
import { alarmNotice } from '../../../../lambdas/domain/notify/alarm-notice.ts';
import { parseTargets } from '../../../../lambdas/domain/notify/targets.ts';
import type { ReceiverState } from '../../../../lambdas/domain/publishing/receiver-state.ts';
import { createNotify } from '../../../../lambdas/notify/notify.ts';

const SLACK = 'https://hooks.slack.com/services/x';
const OPSGENIE = 'https://api.opsgenie.com/v2/alerts';
const TARGETS = [{ url: SLACK }, { url: OPSGENIE, key: 'k', severities: ['page'] }];

const noticeOf = (severity: 'page' | 'ticket', runbook = 'receiver-disabled', state = 'ALARM') =>
  alarmNotice(
    JSON.stringify({
      AlarmName: 'a',
      NewStateValue: state,
      AlarmDescription: alarmDescription({
        happened: 'It happened.',
        impact: 'People.',
        explains: [],
        recovered: 'Well.',
        runbook: `https://git.example.com/r.md#${runbook}`,
        first: 'npm run ledger -- receivers list',
      }),
    }),
    { subject: 's', severity, at: '2026-11-28T10:00:00.000Z' },
  );

interface Fixture {
  /** Statuses of a URL's responses, or an error; 200 once they are used up. */
  responses?: Readonly<Record<string, (number | Error)[]>>;
  states?: Readonly<Record<string, ReceiverState | Error>>;
  targets?: Error;
}

function openNotify({ responses = {}, states = {}, targets }: Fixture = {}) {
  const posted: { url: string; body: string }[] = [];
  const failed: string[] = [];
  const waits: number[] = [];
  const ownFailures: unknown[] = [];
  const notify = createNotify({
    client: {
      async post(url, _headers, body) {
        posted.push({ url, body });
        const response = responses[url]?.shift() ?? 200;
        if (response instanceof Error) throw response;
        return { status: response };
      },
    },
    targets: async () => {
      if (targets !== undefined) throw targets;
      return parseTargets(JSON.stringify(TARGETS));
    },
    states: {
      async read(receiver) {
        const state = states[receiver];
        if (state instanceof Error) throw state;
        return state ?? {};
      },
    },
    receivers: Object.keys(states),
    sleep: async (ms) => void waits.push(ms),
    onFailed: (kind, why) => failed.push(`${kind}: ${why}`),
    onOwnFailed: (error) => ownFailures.push(error),
  });
  return { notify, posted, failed, waits, ownFailures, urls: () => posted.map(({ url }) => url) };
}

test('a notice is sent only to targets of its severity', async () => {
  const [page, ticket] = [openNotify(), openNotify()];
  await page.notify(noticeOf('page'));
  await ticket.notify(noticeOf('ticket'));

  expect(page.urls()).toEqual([SLACK, OPSGENIE]);
  expect(ticket.urls()).toEqual([SLACK]);
});

test('a failing target is retried, and does not block the others', async () => {
  const gone = Object.assign(new Error('secret'), { code: 'ECONNRESET' });
  const { notify, urls, waits, failed } = openNotify({ responses: { [SLACK]: [500, gone] } });
  await notify(noticeOf('page'));

  expect(urls().toSorted()).toEqual([OPSGENIE, SLACK, SLACK, SLACK]);
  expect({ waits, failed }).toEqual({ waits: [1000, 5000], failed: [] });
});

test.each([
  { name: 'always 500', responses: [500, 503, 500], requests: 3, why: 'slack: status 500' },
  { name: 'a redirect', responses: [302, 302, 302], requests: 3, why: 'slack: status 302' },
  { name: 'a refusal, which would come again', responses: [404], requests: 1, why: 'slack: status 404' },
])('notify throws after $name, so that Lambda invokes it again', async ({ responses, requests, why }) => {
  const { notify, urls, failed } = openNotify({ responses: { [SLACK]: responses } });

  await expect(notify(noticeOf('page'))).rejects.toThrow('1 of 2 targets did not take the notice');
  expect(urls().filter((url) => url === SLACK)).toHaveLength(requests);
  expect(failed).toEqual([why]);
});

test('a service that does not respond in time is named by its error', async () => {
  const timeout = Object.assign(new Error('aborted'), { name: 'TimeoutError', code: 23 });
  const { notify, failed } = openNotify({ responses: { [SLACK]: [timeout, timeout, timeout] } });

  await expect(notify(noticeOf('page'))).rejects.toThrow('1 of 2 targets');
  expect(failed).toEqual(['slack: TimeoutError']);
});

test('a 429 of a service is not a refusal', async () => {
  const { notify, failed } = openNotify({ responses: { [SLACK]: [429, 408] } });
  await notify(noticeOf('ticket'));

  expect(failed).toEqual([]);
});

describe('the alarm on disabled receivers', () => {
  const disabled = { disabledAt: 1, disabledReason: 'gone', lastStatus: 410, lastId: 's#bounced' } as const;

  test('names each receiver with its last status, its event and the command', async () => {
    const silent = { disabledAt: 1, disabledReason: 'failing', lastStatus: 0 } as const;
    const { notify, posted } = openNotify({ states: { crm: disabled, shop: silent, fine: {} } });
    await notify(noticeOf('ticket'));

    const body = posted[0]?.body;
    expect(body).toContain('crm is disabled (gone, last status 410, event s#bounced)');
    expect(body).toContain('receivers enable crm');
    expect(body).toContain('shop is disabled (failing, no response)');
    expect(body).not.toContain('fine');
  });

  test('is sent without receivers if the table does not respond', async () => {
    const { notify, posted } = openNotify({ states: { crm: new Error('throttled'), shop: disabled } });
    await notify(noticeOf('ticket'));

    expect(posted[0]?.body).toContain('the state of a receiver could not be read');
    expect(posted[0]?.body).toContain('shop is disabled');
  });

  test.each([noticeOf('ticket', 'dead-letters'), noticeOf('ticket', 'receiver-disabled', 'OK')])(
    'is the only one that reads the state of receivers, and only while it is on: %#',
    async (notice) => {
      const { notify, posted } = openNotify({ states: { crm: disabled } });
      await notify(notice);

      expect(posted[0]?.body).not.toContain('crm');
    },
  );
});

test.each(['ALARM', 'OK'])(
  'a failed notice of notify-errors, %s, ends without an error, which would set it off again',
  async (state) => {
    const { notify, urls, failed, ownFailures } = openNotify({ responses: { [SLACK]: [404] } });
    await notify(noticeOf('page', 'notify-errors', state));

    // Those that do respond have it.
    expect(urls()[1]).toContain(OPSGENIE);
    expect(failed).toEqual(['slack: status 404']);
    expect(ownFailures).toEqual([new Error('1 of 2 targets did not take the notice')]);
  },
);

test.each([
  ['notify-errors', true],
  ['stuck', false],
])('targets that cannot be read fail the notice of %s without an error: %s', async (heading, isQuiet) => {
  const { notify, ownFailures } = openNotify({ targets: new Error('no secret') });
  const result = await notify(noticeOf('page', heading)).then(
    () => true,
    () => false,
  );

  expect([result, ownFailures.length]).toEqual([isQuiet, isQuiet ? 1 : 0]);
});
