import type { SqsEngine } from '../engines/sqs.ts';
import type { MetricStore } from '../metrics/metric-store.ts';
import { createQueueGauges } from '../metrics/queue-gauges.ts';
import type { StackRun } from '../run/run.ts';
import type { Stack } from '../template/stack.ts';
import { AlarmBoard } from './alarm-board.ts';
import type { AlarmChange } from './alarm-message.ts';
import type { AlarmDefinition } from './definition.ts';
import { TemplateTopics } from './topics.ts';

/** A state change with the alarm's name and description. */
export type AlarmNews = AlarmChange & Pick<AlarmDefinition, 'name' | 'description'>;

interface AlarmParts {
  readonly stack: Stack;
  readonly alarms: readonly AlarmDefinition[];
  readonly store: MetricStore;
  readonly sqs: SqsEngine;
  readonly run: StackRun;
  /** Milliseconds that one minute of metric time takes. */
  readonly minuteMs: number;
  readonly onChange: (news: AlarmNews) => void;
}

/** Log lines come through pipes, so a minute is evaluated this long after its end, or a quarter of a minute. */
const GRACE_MS = 250;

/** Evaluates the template's alarms at the end of every minute of metric time until the run ends. */
export function startAlarms(parts: AlarmParts): { board: AlarmBoard; topics: TemplateTopics } {
  const { stack, alarms, store, sqs, run, minuteMs } = parts;
  const topics = new TemplateTopics(stack);
  const firstMinute = Math.ceil(Date.now() / minuteMs);
  const board = new AlarmBoard({
    alarms,
    store,
    topics,
    account: stack.account,
    firstMinute,
    onChange({ name, description }, change) {
      run.logBuffer.add('alarms', `${name} ${change.from} -> ${change.to}: ${change.reason}`);
      parts.onChange({ ...change, name, description });
    },
  });
  const gauge = createQueueGauges(stack, sqs, store.measure);
  const graceMs = Math.min(GRACE_MS, minuteMs / 4);
  const evaluate = async (endMinute: number) => {
    // Gauges are read once a minute, at its end.
    await gauge(endMinute * minuteMs - 1).catch((error) =>
      run.logBuffer.add('alarms', `queues not measured: ${error}`),
    );
    if (!run.disposables.closing) board.evaluateAt(endMinute);
  };
  let timer: NodeJS.Timeout;
  const evaluateAtTheEndOf = (minute: number) => {
    const endMinute = minute + 1;
    timer = setTimeout(
      async () => {
        await evaluate(endMinute);
        // On a busy machine several minutes may have passed.
        const nextMinute = Math.max(endMinute, Math.floor((Date.now() - graceMs) / minuteMs));
        if (!run.disposables.closing) evaluateAtTheEndOf(nextMinute);
      },
      endMinute * minuteMs + graceMs - Date.now(),
    );
  };
  evaluateAtTheEndOf(firstMinute);
  run.disposables.add(() => clearTimeout(timer));
  return { board, topics };
}
