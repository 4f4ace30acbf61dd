import { CfnResource, type Stack } from 'aws-cdk-lib';
import { CfnApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping, CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';

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

const RULES = [
  rule(CfnApi, 'must not answer CORS itself: webhooks know none, and reads answer it in the function', (api) => {
    return api.corsConfiguration === undefined;
  }),
  rule(CfnEventSourceMapping, 'must report partial failures, or one bad event fails its batch', (source, resolve) =>
    same(resolve(source.functionResponseTypes), ['ReportBatchItemFailures']),
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
  rule(CfnLogGroup, 'must have a retention', (logGroup) => logGroup.retentionInDays !== undefined),
  rule(CfnPolicy, 'must name its actions and resources', ({ policyDocument }, resolve) => {
    const { Statement: statements } = resolve(policyDocument) as { Statement: Record<string, unknown>[] };
    return statements.every(({ Action, Resource }) => !JSON.stringify(Action).includes('*') && !same(Resource, '*'));
  }),
  rule(CfnAlarm, 'must say how to take missing data', (alarm) => alarm.treatMissingData !== undefined),
  rule(CfnAlarm, 'must tell somebody', (alarm) => (alarm.alarmActions ?? []).length > 0),
  rule(CfnAlarm, 'must name its impact and its runbook', ({ alarmDescription }, resolve) => {
    const text = JSON.stringify(resolve(alarmDescription) ?? '');
    return /Impact: \w/.test(text) && /Runbook: \S+#[\w-]+/.test(text);
  }),
];

/** Fails synth, naming the resource, where the stack breaks what it promises, whoever changed it and by what means. */
export function enforceStackRules(stack: Stack): void {
  const resolve: Resolve = (value) => stack.resolve(value);
  stack.node.addValidation({
    validate() {
      const all = stack.node.findAll().filter((node) => node instanceof CfnResource);
      return all.flatMap((resource) =>
        RULES.filter((each) => resource instanceof each.of && !each.holds(resource, resolve, all)).map(
          ({ must }) => `${resource.node.path}: ${must}`,
        ),
      );
    },
  });
}
