import type { AlarmReport, Deployment, TopicMessage } from '../../../../cli/target/types.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { drillLine } from '../../../support/cli/json-lines/drill.ts';

const STACK = 'mailgun-ledger-stub';
const alarm = (name: string, state: AlarmReport['state'] = 'OK') => ({
  name: `${STACK}-${name}`,
  state,
  sinceMs: undefined,
  description: '',
});
const alarms = async () => [alarm('stuck'), alarm('dead-letters', 'INSUFFICIENT_DATA'), alarm('open-slice', 'ALARM')];

/** A stack on AWS, where only people can tell. */
function onAws(over: Partial<Deployment> = {}) {
  const sounded: string[] = [];
  const target = stubDeployment({
    alarms,
    notifications: async () => undefined,
    audience: async () => [{ topic: 'page', confirmed: 2, pending: 1 }],
    soundAlarm: async (name) => void sounded.push(name),
    ...over,
  });
  return { sounded, openDeployment: async () => target };
}

/** Returns a local stack whose topics can be read; a notification arrives after `arrivesAfter` reads. */
function onLocal(arrivesAfter: number, over: Record<string, string> = {}) {
  const old = { AlarmName: `${STACK}-stuck`, NewStateValue: 'ALARM' };
  const arrived: TopicMessage[] = [{ topic: 'topics-page', subject: 'of before', message: old }];
  let polls = Number.NEGATIVE_INFINITY;
  let reason = '';
  const target = stubDeployment({
    alarms,
    soundAlarm: async (_name, given) => {
      polls = 0;
      reason = given;
    },
    async notifications() {
      polls += 1;
      const subject = 'ALARM: stuck';
      const message = { ...old, NewStateReason: reason, ...over };
      if (polls === arrivesAfter) arrived.push({ topic: 'topics-page', subject, message });
      return [...arrived];
    },
  });
  let ms = 0;
  const now = () => ms;
  const sleep = async (slept: number) => {
    ms += slept;
  };
  return { openDeployment: async () => target, now, sleep };
}

async function drill(context: Parameters<typeof runCommand>[1], ...args: string[]) {
  const { exitCode, json, errors } = await runCommand(['drill', ...args, '--local', '--json'], context);
  return { exitCode, errors, lines: json().map((line) => (line.event === 'error' ? line : drillLine.parse(line))) };
}

const NAME = `${STACK}-stuck`;

test('drill reports the arrival of the notification if it can be observed', async () => {
  expect(await drill(onLocal(3), 'stuck')).toMatchObject({
    exitCode: 0,
    lines: [
      { event: 'sounded', alarm: NAME },
      { event: 'arrived', alarm: NAME, topic: 'topics-page', subject: 'ALARM: stuck', tookMs: 400 },
      { event: 'drilled', alarm: NAME, arrived: true },
    ],
  });
});

test.each([
  ['nothing arrives', onLocal(Number.POSITIVE_INFINITY)],
  ['another alarm arrives', onLocal(1, { AlarmName: `${STACK}-open-slice` })],
  ['only its end arrives', onLocal(1, { NewStateValue: 'OK' })],
  ['it sounds for a reason of its own', onLocal(1, { NewStateReason: 'Threshold Crossed' })],
])('drill reports it if %s', async (_name, context) => {
  const { exitCode, lines } = await drill(context, NAME, '--wait', '2');
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toEqual({ event: 'drilled', alarm: NAME, arrived: false });
});

test.each([
  [['y', 'y'], 0, true],
  [['yes', 'no'], 1, false],
])('on AWS drill asks a person before and after: %p', async (answers, exitCode, arrived) => {
  const { sounded, openDeployment } = onAws();
  const left = [...answers];
  const outcome = await drill({ openDeployment, ask: async () => left.shift() }, 'stuck');
  expect(outcome).toMatchObject({ exitCode });
  expect(outcome.lines).toEqual([
    { event: 'subscribed', topic: 'page', confirmed: 2, pending: 1 },
    { event: 'sounded', alarm: NAME },
    { event: 'drilled', alarm: NAME, arrived },
  ]);
  expect(sounded).toEqual([NAME]);
});

test('drill --yes asks no question', async () => {
  const ask = async () => {
    throw new Error('asked');
  };
  const { exitCode, lines } = await drill({ ...onAws(), ask }, 'stuck', '--yes');
  expect([exitCode, lines.at(-1)]).toEqual([0, { event: 'drilled', alarm: NAME, arrived: null }]);
});

test.each([
  ['no subscription is confirmed', onAws({ audience: async () => [{ topic: 'page', confirmed: 0, pending: 3 }] })],
  ['the alarm tells no topic', onAws({ audience: async () => [] })],
])('drill does not set off the alarm if %s', async (_name, { sounded, openDeployment }) => {
  const { exitCode, lines } = await drill({ openDeployment }, 'stuck', '--yes');
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toMatchObject({ arrived: false });
  expect(sounded).toEqual([]);
});

test('drill pages no one without a yes', async () => {
  const { sounded, openDeployment } = onAws();
  const { exitCode, lines } = await drill({ openDeployment }, 'stuck');
  expect([exitCode, lines.at(-1)]).toEqual([2, { event: 'error', message: expect.stringMatching(/needs --yes/) }]);
  expect(sounded).toEqual([]);
});

test.each(['Stuck', 'STUCK', NAME.toUpperCase()])('drill %s means the alarm in any case', async (typed) => {
  const { sounded, openDeployment } = onAws();
  expect(await drill({ openDeployment }, typed, '--yes')).toMatchObject({ exitCode: 0 });
  expect(sounded).toEqual([NAME]);
});

test('drill sets off the alarm in the case that was typed, and none where two differ in case alone', async () => {
  const { sounded, openDeployment } = onAws({ alarms: async () => [alarm('Stuck'), alarm('stuck')] });
  expect(await drill({ openDeployment }, 'stuck', '--yes')).toMatchObject({ exitCode: 0 });
  const { exitCode, lines } = await drill({ openDeployment }, 'STUCK', '--yes');
  const message = 'there are several alarms "STUCK"; there are Stuck, stuck';
  expect([exitCode, lines]).toEqual([2, [{ event: 'error', message }]]);
  expect(sounded).toEqual([NAME]);
});

test('drill lists the existing alarms for an unknown one', async () => {
  const { exitCode, lines } = await drill(onAws(), 'typo');
  const message = 'there is no alarm "typo"; there are dead-letters, open-slice, stuck';
  expect([exitCode, lines]).toEqual([2, [{ event: 'error', message }]]);
});

test('drill leaves an alarm unchanged that is already on', async () => {
  const { sounded, openDeployment } = onAws();
  const { exitCode, lines } = await drill({ openDeployment }, 'open-slice', '--yes');
  expect([exitCode, lines]).toEqual([1, [{ event: 'error', message: expect.stringMatching(/is on already/) }]]);
  expect(sounded).toEqual([]);
});
