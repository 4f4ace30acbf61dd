import { setTimeout as sleep } from 'node:timers/promises';
import type { InvocationResult } from '../../../../tools/local-stack/functions/function-sandbox.ts';
import { Disposables } from '../../../../tools/local-stack/run/disposables.ts';
import { readSchedules, startSchedules } from '../../../../tools/local-stack/schedules.ts';
import type { Stack } from '../../../../tools/local-stack/template/stack.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:Reconcile';

let disposables = new Disposables();
afterEach(async () => {
  await disposables.close();
  disposables = new Disposables();
});

function stackWith(ScheduleExpression: string, more: object = {}): Stack {
  const Properties = { ScheduleExpression, Target: { Arn: ARN }, ...more };
  const template = { Resources: { Schedule: { Type: 'AWS::Scheduler::Schedule', Properties } } };
  return { template, resolve: (value: unknown) => value } as unknown as Stack;
}

test.each([
  { expression: 'rate(2 seconds)', everySeconds: 2 },
  { expression: 'rate(1 second)', everySeconds: 1 },
  { expression: 'rate(15 minutes)', everySeconds: 900 },
  { expression: 'rate(1 hour)', everySeconds: 3600 },
])('$expression is every $everySeconds s', ({ expression, everySeconds }) => {
  expect(readSchedules(stackWith(expression))).toEqual([{ functionId: 'Reconcile', everySeconds, input: '{}' }]);
});

test.each(['cron(0 * * * ? *)', 'rate(0 minutes)', 'rate(1 fortnight)'])(
  '%s is an error that names it',
  (expression) => {
    expect(() => readSchedules(stackWith(expression))).toThrow(`does not know the schedule ${expression} (Schedule)`);
  },
);

test('a disabled schedule runs nothing', () => {
  expect(readSchedules(stackWith('rate(1 second)', { State: 'DISABLED' }))).toEqual([]);
});

test('runs begin every period even if one is still running, until the schedule stops', async () => {
  const invoked: string[] = [];
  const lines: string[] = [];
  const run = { disposables, logBuffer: { add: (_source: string, line: string) => lines.push(line) } };
  const invoke = async (id: string, event: string): Promise<InvocationResult> => {
    invoked.push(`${id} ${event}`);
    if (invoked.length === 1) return { ok: false, error: 'broken', timedOut: false };
    return new Promise(() => {});
  };

  const stack = stackWith('rate(1 second)', { Target: { Arn: ARN, Input: '{"a":1}' } });
  startSchedules(stack, invoke, run as unknown as Parameters<typeof startSchedules>[2]);
  while (invoked.length < 3) await sleep(50);
  await disposables.close();
  const begun = [...invoked];
  await sleep(1100);

  expect(begun.slice(0, 3)).toEqual(Array(3).fill('Reconcile {"a":1}'));
  expect(invoked).toEqual(begun);
  expect(lines).toEqual(['Reconcile failed: broken']);
});
