import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';

/** Runs a function at an interval; a run that fails is not repeated, since the next one does what it left. */
export function runEvery(scope: Construct, target: IFunction, seconds: number, description: string): void {
  // A retry would only find the lease of another run held.
  target.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  const ofThisAccount = { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } };
  const role = new Role(scope, 'ScheduleRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', { conditions: ofThisAccount }),
  });
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }));
  const schedule = new CfnSchedule(scope, 'Schedule', {
    description,
    flexibleTimeWindow: { mode: 'OFF' },
    scheduleExpression: rate(seconds),
    target: {
      arn: target.functionArn,
      roleArn: role.roleArn,
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
    },
  });
  // With its policy: the reference is to the role alone, which allows nothing yet, and the first run would be lost.
  schedule.node.addDependency(role);
}

/** Returns a rate expression; only the local stack, whose times are compressed, supports seconds. */
function rate(seconds: number): string {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second'];
  return `rate(${count} ${unit}${count === 1 ? '' : 's'})`;
}
