import { Duration, Stack } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
  type Metric,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { ACCESS_METRICS, DAY_SECONDS, METRICS } from '../../../lambdas/contract.ts';
import { EVENT_TYPES, type EventType } from '../../../lambdas/domain/event-types.ts';
import type { Watched } from '../alarms/sources.ts';
import { LedgerMetrics } from './ledger-metrics.ts';

interface HealthDashboardProps extends Omit<Watched, 'limits'> {
  readonly alarms: readonly Alarm[];
}

const FIVE_MINUTES = 300;
const HALF = 12;
const WHOLE = 24;

/** Shows from top to bottom if the stack is healthy, since when it is not, and what is behind. */
export class HealthDashboard extends Construct {
  constructor(scope: Construct, id: string, props: HealthDashboardProps) {
    super(scope, id);
    const { stackName } = Stack.of(this);
    const metrics = new LedgerMetrics(this);
    const dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: dashboardNameOf(this),
      defaultInterval: Duration.days(1),
    });
    dashboard.addWidgets(heading('Is it healthy?'));
    dashboard.addWidgets(
      new AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: WHOLE, height: 5 }),
    );
    dashboard.addWidgets(completeness(props, metrics));
    dashboard.addWidgets(heading('Since when not?'));
    for (const widgets of timeLines(props, metrics)) dashboard.addWidgets(...widgets);
    dashboard.addWidgets(heading('What is behind?'));
    for (const widgets of arrears(props, metrics, stackName)) dashboard.addWidgets(...widgets);
  }
}

/** Opens the health dashboard of a stack in the console. */
export function healthDashboardUrl(scope: Construct): string {
  const { region } = Stack.of(scope);
  return `https://${consoleHost(region)}/cloudwatch/home?region=${region}#dashboards:name=${dashboardNameOf(scope)}`;
}

/** Returns its name, with the region: unlike stacks, dashboards share their names in all regions of an account. */
function dashboardNameOf(scope: Construct): string {
  const { stackName, region } = Stack.of(scope);
  return `${stackName}-${region}`;
}

/** Returns the console's host; each partition has its own. */
function consoleHost(region: string): string {
  if (region.startsWith('us-gov-')) return 'console.amazonaws-us-gov.com';
  if (region.startsWith('cn-')) return 'console.amazonaws.cn';
  return `${region}.console.aws.amazon.com`;
}

const heading = (question: string) => new TextWidget({ markdown: `## ${question}`, width: WHOLE, height: 1 });

const labelled = (label: string, metric: Metric) => metric.with({ label });

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: HALF, height: 6 });
}

/** All of them are 0 where everything that is due is accounted for. */
function completeness({ queue }: HealthDashboardProps, metrics: LedgerMetrics): SingleValueWidget {
  return new SingleValueWidget({
    title: 'Complete? All of these should be 0',
    metrics: [
      labelled('slices with something missing', metrics.own(METRICS.openSlices, 'Maximum', FIVE_MINUTES)),
      labelled('stuck events', metrics.own(METRICS.stuck, 'Maximum', FIVE_MINUTES)),
      labelled('dead letters', metrics.queue('ApproximateNumberOfMessagesVisible', queue.deadLetters, FIVE_MINUTES)),
      labelled('lost webhooks, 1 day', metrics.own(METRICS.lostWebhooks, 'Sum', DAY_SECONDS)),
      labelled('unconfirmed events', metrics.own(METRICS.unconfirmed, 'Maximum', FIVE_MINUTES)),
    ],
    width: WHOLE,
    height: 3,
  });
}

function timeLines({ webhookApi, process }: HealthDashboardProps, metrics: LedgerMetrics): GraphWidget[][] {
  const { stage } = webhookApi.endpoint;
  const own = (label: string, name: string) => labelled(label, metrics.own(name, 'Sum', FIVE_MINUTES));
  return [
    [
      graph('Webhooks', [
        labelled('acknowledged', metrics.access(ACCESS_METRICS.acknowledged, FIVE_MINUTES)),
        labelled('throttled', metrics.access(ACCESS_METRICS.throttled, FIVE_MINUTES)),
        labelled('5xx', metrics.api('5xx', stage, 'Sum', FIVE_MINUTES)),
        own('no key yet', METRICS.unconfigured),
        own('key unusable', METRICS.signingKeyUnusable),
      ]),
      graph('Response time', [labelled('p99, ms', metrics.api('Latency', stage, 'p99', FIVE_MINUTES))]),
    ],
    [
      graph('Storing', [
        own('retried', METRICS.retried),
        own('moved to the DLQ', METRICS.deadLettered),
        labelled('crashes', metrics.function('Errors', process.function, 'Sum', FIVE_MINUTES)),
      ]),
      graph(
        'Mail',
        Object.values<EventType>(EVENT_TYPES).flatMap(({ metric }) =>
          metric === null ? [] : [own(metric, METRICS[metric])],
        ),
      ),
    ],
  ];
}

function arrears(
  { queue, table, publishing }: HealthDashboardProps,
  metrics: LedgerMetrics,
  stackName: string,
): GraphWidget[][] {
  const depth = (label: string, of: typeof queue.queue) =>
    labelled(label, metrics.queue('ApproximateNumberOfMessagesVisible', of, FIVE_MINUTES));
  const gauge = (label: string, name: string) => labelled(label, metrics.own(name, 'Maximum', FIVE_MINUTES));
  const sum = (label: string, name: string) => labelled(label, metrics.own(name, 'Sum', FIVE_MINUTES));
  return [
    [
      graph(
        'Queue',
        [depth('waiting', queue.queue), depth('dead letters', queue.deadLetters)],
        [labelled('oldest, s', metrics.queue('ApproximateAgeOfOldestMessage', queue.queue, FIVE_MINUTES))],
      ),
      graph(
        'Ledger',
        [gauge('watermark age, s', METRICS.watermarkAge), gauge('oldest open slice, s', METRICS.openSliceAge)],
        [sum('runs', METRICS.reconcileRun), sum('runs with a usable key', METRICS.apiKeyUsable)],
      ),
    ],
    [
      graph('Found by reconcile', [
        sum('lost webhooks', METRICS.lostWebhooks),
        gauge('unconfirmed', METRICS.unconfirmed),
        sum('silent', METRICS.silentEvents),
        gauge('webhook drift', METRICS.webhookDrift),
        gauge('domain drift', METRICS.domainDrift),
        gauge('domains redacted', METRICS.redactedDomains),
        gauge('webhooks failed at Mailgun', METRICS.failedWebhooks),
        gauge('end of the listing API', METRICS.listingEnd),
      ]),
      graph('Refusals by reason', [
        new MathExpression({
          label: '',
          expression: `SEARCH('{${METRICS.namespace},${METRICS.dimension},${METRICS.reasonDimension}} MetricName="${METRICS.refused}" ${METRICS.dimension}="${stackName}"', 'Sum')`,
          period: Duration.seconds(FIVE_MINUTES),
        }),
      ]),
    ],
    [
      graph('Table', [
        ...Object.entries(metrics.throttled(table, FIVE_MINUTES)).map(([id, metric]) =>
          labelled(`throttled: ${id}`, metric),
        ),
      ]),
      ...(publishing === undefined
        ? []
        : [
            graph(
              'Publishing',
              [labelled('lag, ms', metrics.function('IteratorAge', publishing.function, 'Maximum', FIVE_MINUTES))],
              [
                labelled(
                  'failed',
                  metrics.queue('ApproximateNumberOfMessagesVisible', publishing.failures, FIVE_MINUTES),
                ),
              ],
            ),
          ]),
    ],
  ];
}
