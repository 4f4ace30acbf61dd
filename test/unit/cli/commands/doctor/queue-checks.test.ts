import { queueChecks } from '../../../../../cli/commands/doctor/stack-checks.ts';
import { runCheck } from '../../../../../cli/commands/doctor.ts';
import type { Deployment } from '../../../../../cli/target/types.ts';
import { MESSAGES } from '../../../../../lambdas/contract.ts';
import { stubDeployment } from '../../../../support/cli/command-line.ts';

const NOW_MS = Date.parse('2026-11-22T08:00:00Z');

interface Fixture {
  /** Messages by queue, or the error of its call. */
  readonly queues?: Readonly<Record<string, number | Error>>;
  readonly logged?: Readonly<Record<string, readonly Record<string, unknown>[]>>;
  readonly publishes?: boolean;
  /** Thrown where a log is read. */
  readonly noLogs?: Error;
}

/** What each check finds. */
async function found({ queues = {}, logged = {}, publishes = true, noLogs }: Fixture) {
  const send = async ({ input }: { input: { QueueUrl: string } }) => {
    const held = queues[input.QueueUrl] ?? 0;
    if (held instanceof Error) throw held;
    return { Attributes: { ApproximateNumberOfMessages: String(held) } };
  };
  const deployment = stubDeployment({
    clients: { queues: { send } } as unknown as Deployment['clients'],
    output: (key) => (key === 'PublishLogGroup' && !publishes ? '' : key),
    logs: async (source, sinceMs, filter) => {
      expect(sinceMs).toBe(NOW_MS - 900_000);
      if (noLogs !== undefined) throw noLogs;
      return (logged[`${source} ${filter?.message}`] ?? []).map((facts) => ({ atMs: NOW_MS - 12_000, facts }));
    },
  });
  const checks = queueChecks(deployment, (command) => `run ${command}`, NOW_MS);
  return Object.fromEntries(
    await Promise.all(
      checks.map(async ({ name, check, unknownFix }) => [name, await runCheck(check, unknownFix)] as const),
    ),
  );
}

const awsError = (name: string, over: object = {}) =>
  Object.assign(new Error('of AWS'), { name, $metadata: {}, ...over });

test('queue, DLQ and event bus are ok without failures', async () => {
  expect(await found({ queues: { QueueUrl: 3 } })).toEqual({
    queue: { state: 'ok', says: '3 events on the way to the table' },
    'dead-letter queue': { state: 'ok', says: 'empty' },
    'event bus': { state: 'ok', says: 'publish logged no failure in 15 min' },
  });
});

test('a stack that does not publish has no line on the event bus', async () => {
  expect(Object.keys(await found({ publishes: false }))).toEqual(['queue', 'dead-letter queue']);
});

test('messages in the DLQ are a warning that names the command to list them', async () => {
  expect((await found({ queues: { DeadLettersUrl: 2 } }))['dead-letter queue']).toEqual({
    state: 'warning',
    says: 'holds 2 messages',
    fix: 'run dlq list',
  });
});

describe.each([
  ['queue', 'QueueUrl'],
  ['dead-letter queue', 'DeadLettersUrl'],
])("doctor's check of the %s", (name, output) => {
  test.each([
    ['is gone', awsError('QueueDoesNotExist'), 'wrong', /^does not exist$/],
    ['is gone, by its older name', awsError('AWS.SimpleQueueService.NonExistentQueue'), 'wrong', /^does not exist$/],
    ['hangs', awsError('TimeoutError'), 'wrong', /does not respond/],
    ['resets connections', awsError('Error', { code: 'ECONNRESET' }), 'wrong', /does not respond/],
    ['is denied to the operator', awsError('AccessDenied'), 'unknown', /AWS refuses/],
  ])('has a fix if it %s', async (_, error, state, says) => {
    expect((await found({ queues: { [output]: error } }))[name]).toEqual({
      state,
      says: expect.stringMatching(says),
      fix: expect.stringContaining('Detect drift'),
    });
  });
});

test('a queue to which ingest could not send is wrong', async () => {
  const facts = { reason: 'queue-unavailable', error: 'TimeoutError', detail: 'read ECONNRESET' };
  const logged = { [`ingest ${MESSAGES.refused}`]: [{ reason: 'unauthorized' }, facts, facts] };
  expect((await found({ logged })).queue).toEqual({
    state: 'wrong',
    says: expect.stringMatching(
      /ingest could not send to it 2 times in 15 min, last .+ \(12 s ago\): TimeoutError, read ECONNRESET$/,
    ),
    fix: expect.stringContaining('Detect drift'),
  });
  expect(
    (await found({ logged: { [`ingest ${MESSAGES.refused}`]: [{ reason: 'unauthorized' }] } })).queue,
  ).toMatchObject({
    state: 'ok',
  });
});

test('an event bus that refused events is wrong', async () => {
  const logged = { [`publish ${MESSAGES.notPublished}`]: [{ reason: 'ResourceNotFoundException', changes: 4 }] };
  expect((await found({ logged }))['event bus']).toEqual({
    state: 'wrong',
    says: expect.stringMatching(/1 time in 15 min, last .+: ResourceNotFoundException$/),
    fix: expect.stringContaining('Detect drift'),
  });
});

test('doctor reports nothing on sends without access to the logs', async () => {
  expect(await found({ noLogs: awsError('AccessDeniedException') })).toEqual({
    queue: {
      state: 'ok',
      says: expect.stringMatching(
        /^0 events on the way to the table; whether ingest can send to it is not known: AWS /,
      ),
    },
    'dead-letter queue': { state: 'ok', says: 'empty' },
    'event bus': {
      state: 'unknown',
      says: expect.stringMatching(/^AWS refuses/),
      fix: expect.stringContaining('doctor --help'),
    },
  });
});
