import type { InvocationResult } from './functions/function-sandbox.ts';
import type { StackRun } from './run/run.ts';
import { functionIdOf, resourcesOfType } from './template/resources.ts';
import { propertiesOf, type Stack } from './template/stack.ts';

/** A function that the template runs on a schedule. */
interface ScheduledFunction {
  readonly functionId: string;
  readonly everySeconds: number;
  /** Event as JSON text. */
  readonly input: string;
}

interface Properties {
  readonly ScheduleExpression: string;
  readonly State?: string;
  readonly Target: { readonly Arn: string; readonly Input?: string };
}

/** Includes `second`, an addition of the local stack, which compresses time. */
const UNIT_SECONDS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400 };

export function readSchedules(stack: Stack): ScheduledFunction[] {
  return resourcesOfType(stack.template, 'AWS::Scheduler::Schedule').flatMap(([id, resource]) => {
    const { ScheduleExpression, State, Target } = propertiesOf<Properties>(stack, id, resource);
    const [, count, unit = ''] = /^rate\((\d+) ([a-z]+?)s?\)$/.exec(ScheduleExpression) ?? [];
    const everySeconds = Number(count) * (UNIT_SECONDS[unit] ?? Number.NaN);
    if (!(everySeconds > 0))
      throw new Error(`the local stack does not know the schedule ${ScheduleExpression} (${id})`);
    if (State === 'DISABLED') return [];
    return [{ functionId: functionIdOf(Target.Arn), everySeconds, input: Target.Input ?? '{}' }];
  });
}

/** Starts the template's schedules, each first after one period; as on AWS, runs may overlap. */
export function startSchedules(
  stack: Stack,
  invoke: (functionId: string, event: string) => Promise<InvocationResult>,
  { disposables, logBuffer }: StackRun,
): void {
  for (const { functionId, everySeconds, input } of readSchedules(stack)) {
    const timer = setInterval(async () => {
      const outcome = await invoke(functionId, input);
      if (!outcome.ok && !disposables.closing) logBuffer.add('schedule', `${functionId} failed: ${outcome.error}`);
    }, everySeconds * 1000);
    disposables.add(() => clearInterval(timer));
  }
}
