import { CfnResource, Stack } from 'aws-cdk-lib';
import { CfnApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnAlarm, CfnCompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping, CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup, CfnMetricFilter } from 'aws-cdk-lib/aws-logs';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { MAX_ENVIRONMENT_BYTES } from '../config/environment-size.ts';
import {
  comparesSimply,
  countsSimply,
  judgesMissingData,
  measuresSimply,
  notifiesOneTopic,
  statesWhatToDo,
} from './alarm-rules.ts';

type Resolve = (value: unknown) => unknown;

interface Rule<T extends CfnResource> {
  readonly of: abstract new (...args: never[]) => T;
  readonly must: string;
  readonly holds: (resource: T, resolve: Resolve, all: CfnResource[]) => boolean;
}

const rule = <T extends CfnResource>(of: Rule<T>['of'], must: string, holds: Rule<T>['holds']) =>
  ({ of, must, holds }) as unknown as Rule<CfnResource>;

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const functionsWith = (all: CfnResource[], has: (resource: CfnFunction) => boolean) =>
  all.filter((resource) => resource instanceof CfnFunction && has(resource)).length;

const topicIds = (all: CfnResource[], resolve: Resolve) =>
  all.filter((resource) => resource instanceof CfnTopic).map(({ logicalId }) => resolve(logicalId) as string);

const RULES = [
  rule(
    CfnApi,
    'must not have CORS configured: webhooks need none, and the read API handles it in the function',
    (api) => {
      return api.corsConfiguration === undefined;
    },
  ),
  rule(CfnEventSourceMapping, 'must report partial failures, or one bad event fails its batch', (source, resolve) =>
    same(resolve(source.functionResponseTypes), ['ReportBatchItemFailures']),
  ),
  rule(
    CfnEventSourceMapping,
    'must be enabled by the template, or drift detection overlooks one that was disabled by hand; that of process must not, since it stays disabled while a table is restored',
    (source) => source.enabled === (source.node.path.includes('/Process/') ? undefined : true),
  ),
  rule(CfnFunction, 'must have a role of its own', ({ role }, resolve, all) => {
    return functionsWith(all, (other) => same(resolve(other.role), resolve(role))) === 1;
  }),
  rule(CfnFunction, 'must have a log group of its own', ({ loggingConfig }, resolve, all) => {
    const logGroupOf = (config: unknown) =>
      (resolve(config) as CfnFunction.LoggingConfigProperty | undefined)?.logGroup;
    const logGroup = logGroupOf(loggingConfig);
    return (
      logGroup !== undefined && functionsWith(all, (other) => same(logGroupOf(other.loggingConfig), logGroup)) === 1
    );
  }),
  rule(CfnFunction, 'must name each origin that may read: no "*", and never one with credentials', (each, resolve) => {
    const { variables = {} } = (resolve(each.environment) ?? {}) as { variables?: Record<string, unknown> };
    return !String(variables.ALLOWED_ORIGINS ?? '').includes('*');
  }),
  rule(
    CfnFunction,
    `must have at most ${MAX_ENVIRONMENT_BYTES} bytes of environment, which receivers, domains, origins, shards and readApi.jwt fill`,
    ({ environment }, resolve) => {
      const { variables = {} } = (resolve(environment) ?? {}) as { variables?: Record<string, unknown> };
      const sizes = Object.entries(variables).map(([name, value]) => name.length + environmentBytes(value));
      return sizes.reduce((sum, size) => sum + size, 0) <= MAX_ENVIRONMENT_BYTES;
    },
  ),
  rule(CfnLogGroup, 'must have a retention', (logGroup) => logGroup.retentionInDays !== undefined),
  rule(CfnPolicy, 'must name its actions and resources', ({ policyDocument }, resolve) => {
    const { Statement: statements } = resolve(policyDocument) as { Statement: Record<string, unknown>[] };
    return statements.every(({ Action, Resource }) => !JSON.stringify(Action).includes('*') && !same(Resource, '*'));
  }),
  rule(CfnAlarm, 'must treat missing data as breaching, notBreaching or ignore', judgesMissingData),
  rule(CfnAlarm, 'must compare by greater or less than its threshold', comparesSimply),
  rule(CfnAlarm, 'must have one metric or one plain expression, of Sum, Maximum, Minimum or p99', measuresSimply),
  rule(CfnAlarm, 'must have a severity: notify one topic of the stack when it begins and ends', (alarm, resolve, all) =>
    notifiesOneTopic(alarm, resolve, topicIds(all, resolve)),
  ),
  rule(CfnAlarm, 'must state what happened, its impact, its runbook and the first command', statesWhatToDo),
  rule(CfnCompositeAlarm, 'must not exist: no test can set it off', () => false),
  rule(CfnMetricFilter, 'must compare numbers and count ones', countsSimply),
];

/** Maximum length of a resolved reference: the URL of a queue. */
const REFERENCE_BYTES = 135;

/** Returns how long a value of an environment is once its references are resolved. */
function environmentBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  const { 'Fn::Join': join } = value as { 'Fn::Join'?: [separator: string, parts: unknown[]] };
  if (join === undefined) return REFERENCE_BYTES;
  const [separator, parts] = join;
  return parts.reduce<number>((sum, part) => sum + environmentBytes(part), separator.length * (parts.length - 1));
}

/** Fails synth, naming the resource, where a resource below the scope breaks a promise of the ledger, whatever code caused it. */
export function enforceStackRules(scope: Construct): void {
  const resolve: Resolve = (value) => Stack.of(scope).resolve(value);
  scope.node.addValidation({
    validate() {
      const all = scope.node.findAll().filter((node) => node instanceof CfnResource);
      return all.flatMap((resource) =>
        RULES.filter((each) => resource instanceof each.of && !each.holds(resource, resolve, all)).map(
          ({ must }) => `${resource.node.path}: ${must}`,
        ),
      );
    },
  });
}
