import { Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, type TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Construct } from 'constructs';
import type { Topics } from './topics.ts';

/** What there is to say about an alarm; nothing may be left out. */
export interface AlarmRow {
  /** Its construct id. */
  readonly id: string;
  readonly metric: IMetric;
  /** `below`: alarms under the limit instead of above it. */
  readonly breaches?: 'below';
  /** Alarms above this … */
  readonly limit: number;
  /** … in so many of so many periods. */
  readonly datapoints: readonly [breaching: number, of: number];
  /** Pages wake people. */
  readonly severity: 'page' | 'ticket';
  readonly happened: string;
  /** Who is hurt, and how. */
  readonly impact: string;
  readonly missing: { readonly treat: TreatMissingData; readonly because: string };
  /** Heading in docs/runbook.md, and the end of the alarm's name. */
  readonly runbook: string;
  /** What to type first, behind `npm run ledger --`. */
  readonly firstCommand: string;
}

export interface LedgerAlarmProps {
  readonly row: AlarmRow;
  readonly runbookUrl: string;
  /** Name of the environment, as the command line takes it. */
  readonly env: string;
  readonly topics: Topics;
}

/** An alarm whose text tells the person it wakes what happened, who is hurt and what to do. */
export class LedgerAlarm extends Alarm {
  constructor(scope: Construct, { row, runbookUrl, env, topics }: LedgerAlarmProps) {
    const [datapointsToAlarm, evaluationPeriods] = row.datapoints;
    super(scope, row.id, {
      alarmName: `${Stack.of(scope).stackName}-${row.runbook}`,
      alarmDescription: [
        row.happened,
        `Impact: ${row.impact}`,
        `Runbook: ${runbookUrl}#${row.runbook}`,
        `First: npm run ledger -- ${row.firstCommand} --env ${env}`,
      ].join('\n'),
      metric: row.metric,
      comparisonOperator:
        row.breaches === 'below' ? ComparisonOperator.LESS_THAN_THRESHOLD : ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: row.limit,
      datapointsToAlarm,
      evaluationPeriods,
      treatMissingData: row.missing.treat,
    });
    const action = new SnsAction(topics[row.severity]);
    this.addAlarmAction(action);
    this.addOkAction(action);
  }
}
