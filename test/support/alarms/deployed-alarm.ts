import { OWN_METRICS } from '../../../tools/local-ledger/stack-settings.ts';
import { AlarmBoard } from '../../../tools/local-stack/alarms/alarm-board.ts';
import { readAlarms } from '../../../tools/local-stack/alarms/definition.ts';
import type { AlarmState } from '../../../tools/local-stack/alarms/evaluate.ts';
import { MetricStore } from '../../../tools/local-stack/metrics/metric-store.ts';
import { openStack } from '../../../tools/local-stack/template/stack.ts';
import type { Template } from '../../../tools/local-stack/template/template.ts';
import { Synthesized } from '../stacks/synthesized.ts';

const STACK = 'mailgun-ledger-prod';

interface DeployedAlarm {
  /** Records a value of a metric, by its id in the expression, in a minute. */
  measure(id: string, value: number, minute: number): void;
  /** Evaluates the alarm on the minutes before this one. */
  evaluateAt(minute: number): void;
}

/** Returns an alarm as deployed in prod, by its heading in the runbook; calls `onState` with each new state. */
export function deployedAlarm(heading: string, onState: (state: AlarmState) => void): DeployedAlarm {
  const Resources = Object.fromEntries(
    Object.entries(new Synthesized('prod').resources).filter(
      ([, { Type, Properties }]) => Type !== 'AWS::CloudWatch::Alarm' || Properties.AlarmName === `${STACK}-${heading}`,
    ),
  );
  const assembly = { template: { Resources } as Template, stackName: STACK, assetFolder: () => '' };
  const place = { region: 'eu-west-1', accountId: '000000000000', awsEndpointUrl: 'http://127.0.0.1:1' };
  const stack = openStack({ ...assembly, region: 'eu-west-1' }, { ...place, apiUrl: () => '' });
  const alarms = readAlarms(stack, [], { own: OWN_METRICS });
  const store = new MetricStore(60_000);
  const board = new AlarmBoard({
    alarms,
    store,
    account: stack.account,
    firstMinute: 0,
    topics: { publish() {} },
    onChange: (_, { to }) => onState(to),
  });
  return {
    measure(id, value, minute) {
      const query = alarms[0]?.queries.find((each) => each.id === id);
      if (!query) throw new Error(`${heading} has no metric ${id}`);
      store.measure(query.metric, value, minute * 60_000);
    },
    evaluateAt: (minute) => board.evaluateAt(minute),
  };
}
