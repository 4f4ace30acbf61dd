import { Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, type TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Construct } from 'constructs';
import { alarmDescription } from '../../../lambdas/domain/alarm-description.ts';
import type { Topics } from './topics.ts';

/** Everything that an alarm must state. */
export interface AlarmRow {
  /** Its construct id. */
  readonly id: string;
  readonly metric: IMetric;
  /** `below`: goes off below the limit; `at`: at the limit and above it. @default above it */
  readonly breaches?: 'below' | 'at' | 'above';
  /** Goes off above this … */
  readonly limit: number;
  /** … in this many of the last periods. */
  readonly datapoints: readonly [breaching: number, of: number];
  /** A page wakes the on-call engineer. */
  readonly severity: 'page' | 'ticket';
  readonly happened: string;
  /** The people who are hurt, and how. */
  readonly impact: string;
  /** The state once it is OK. */
  readonly recovered: string;
  /** Other alarms that the same cause sets off, by their headings in the runbook. @default none */
  readonly explains?: readonly string[];
  readonly missing: { readonly treat: TreatMissingData; readonly because: string };
  /** The end of its name, where several alarms share a heading. @default the heading */
  readonly ending?: string;
  /** Heading in docs/runbook.md. */
  readonly runbook: string;
  /** The first command to type, without program and target. */
  readonly firstCommand: string;
}

/** How to type a command for this stack: `<program> <command> <target>`. */
export interface CommandLine {
  readonly program: 'npm run ledger --' | 'npx mailgun-ledger';
  readonly target: string;
}

interface LedgerAlarmProps {
  readonly row: AlarmRow;
  readonly runbookUrl: string;
  readonly commandLine: CommandLine;
  readonly topics: Topics;
}

const OPERATORS = {
  below: ComparisonOperator.LESS_THAN_THRESHOLD,
  at: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  above: ComparisonOperator.GREATER_THAN_THRESHOLD,
} as const;

/** An alarm whose text states what happened, who is hurt, what it explains, the runbook and the first command. */
export class LedgerAlarm extends Alarm {
  /** Its name as text: `alarmName` refers to the resource. */
  readonly givenName: string;

  constructor(scope: Construct, { row, runbookUrl, commandLine, topics }: LedgerAlarmProps) {
    const [datapointsToAlarm, evaluationPeriods] = row.datapoints;
    const givenName = `${Stack.of(scope).stackName}-${row.ending ?? row.runbook}`;
    super(scope, row.id, {
      alarmName: givenName,
      alarmDescription: alarmDescription({
        ...row,
        explains: row.explains ?? [],
        runbook: `${runbookUrl}#${row.runbook}`,
        first: `${commandLine.program} ${row.firstCommand} ${commandLine.target}`,
      }),
      metric: row.metric,
      comparisonOperator: OPERATORS[row.breaches ?? 'above'],
      threshold: row.limit,
      datapointsToAlarm,
      evaluationPeriods,
      treatMissingData: row.missing.treat,
    });
    this.givenName = givenName;
    const action = new SnsAction(topics[row.severity]);
    this.addAlarmAction(action);
    this.addOkAction(action);
  }
}
