import { expect, test } from '@jest/globals';
import { OWN_METRICS } from '../../../../../tools/local-ledger/product.ts';
import { AlarmBoard } from '../../../../../tools/local-stack/alarms/alarm-board.ts';
import { readAlarms } from '../../../../../tools/local-stack/alarms/definition.ts';
import { MetricStore } from '../../../../../tools/local-stack/metrics/metric-store.ts';
import { placeStack } from '../../../../../tools/local-stack/template/stack.ts';
import type { Template } from '../../../../../tools/local-stack/template/template.ts';
import { Synthesized } from '../../../../support/synthesized.ts';

const NAME = 'mailgun-ledger-prod-webhooks-not-arriving';
const HOURS = 40;

/** The alarm as it is deployed, and the topic that it tells. */
function deployed() {
  const Resources = Object.fromEntries(
    Object.entries(new Synthesized('prod').resources).filter(
      ([, { Type, Properties }]) => Type !== 'AWS::CloudWatch::Alarm' || Properties.AlarmName === NAME,
    ),
  );
  const assembly = { template: { Resources } as Template, stackName: 'mailgun-ledger-prod', assetFolder: () => '' };
  const place = { region: 'eu-west-1', accountId: '000000000000', awsEndpointUrl: 'http://127.0.0.1:1' };
  return placeStack({ ...assembly, region: 'eu-west-1' }, { ...place, apiUrl: () => '' });
}

/** In which hours the ticket opens; by the hour, how many webhooks fail and how many of them are answered errors here. */
function openedIn(failedIn: (hour: number) => number, errorsIn: (hour: number) => number): number[] {
  const stack = deployed();
  const alarms = readAlarms(stack, [], { own: OWN_METRICS });
  const store = new MetricStore(60_000);
  const opened: number[] = [];
  let minute = 0;
  const board = new AlarmBoard({
    alarms,
    store,
    topics: { publish() {} },
    place: stack.place,
    firstMinute: 0,
    onChange: (_, { to }) => to === 'ALARM' && opened.push(Math.floor(minute / 60)),
  });
  const measure = (id: string, value: number) =>
    store.measure(alarms[0]!.queries.find((each) => each.id === id)!.metric, value, minute * 60_000);
  // A reading 70 minutes after the one before, of the hours that ended an hour and a half ago or earlier.
  for (; minute < HOURS * 60; minute += 1) {
    const hour = Math.floor(minute / 60);
    if (minute % 60 === 30) measure('errors', errorsIn(hour));
    if (minute % 70 === 0) {
      const last = Math.floor((minute - 90) / 60) - 1;
      const first = Math.floor(minute / 60) - 6;
      let failed = 0;
      for (let each = Math.max(first, 0); each <= last; each += 1) failed += failedIn(each);
      measure('failed', failed);
    }
    if (minute % 5 === 0) board.evaluateAt(minute + 1);
  }
  return opened;
}

const between = (from: number, to: number, count: number) => (hour: number) => (hour >= from && hour < to ? count : 0);

test.each([1, 2, 5, 12])('errors answered for %i h open no ticket, then or later', (hours) => {
  const outage = between(10, 10 + hours, 5);

  expect(openedIn(outage, outage)).toEqual([]);
});

test('webhooks that go on failing before they arrive open it once, whatever stray errors are answered', () => {
  const [opened, ...again] = openedIn(between(10, HOURS, 5), (hour) => (hour % 8 === 0 ? 1 : 0));

  expect(opened).toBeGreaterThan(10);
  expect(opened).toBeLessThan(24);
  expect(again).toEqual([]);
});
