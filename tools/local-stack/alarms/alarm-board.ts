import type { MetricStore } from '../metrics/metric-store.ts';
import type { LocalAccount } from '../template/resources.ts';
import { type AlarmChange, alarmMessage, reasonOf } from './alarm-message.ts';
import type { AlarmDefinition } from './definition.ts';
import { type AlarmState, EXTRA_PERIODS, evaluate } from './evaluate.ts';
import type { TemplateTopics } from './topics.ts';

interface AlarmBoardOptions {
  readonly alarms: readonly AlarmDefinition[];
  readonly store: MetricStore;
  readonly topics: Pick<TemplateTopics, 'publish'>;
  readonly account: LocalAccount;
  /** The first minute of metric time that is observed completely. */
  readonly firstMinute: number;
  /** Called on each state change. */
  readonly onChange: (alarm: AlarmDefinition, change: AlarmChange) => void;
}

/** An alarm's text and state, as returned to callers. */
export interface AlarmOverview {
  readonly name: string;
  readonly description: string;
  readonly state: AlarmState;
  /** Epoch milliseconds; undefined before its first evaluation. */
  readonly sinceMs: number | undefined;
  /** The data that led to the state; undefined before the first evaluation. */
  readonly reason: string | undefined;
}

/** The alarms of a stack and their states. */
export class AlarmBoard {
  readonly #options: AlarmBoardOptions;
  readonly #states: Map<string, AlarmState>;
  readonly #sinceMs = new Map<string, number>();
  readonly #reasons = new Map<string, string>();

  constructor(options: AlarmBoardOptions) {
    this.#options = options;
    this.#states = new Map(options.alarms.map(({ name }) => [name, 'INSUFFICIENT_DATA']));
    for (const alarm of options.alarms) {
      const minutes = (alarm.evaluationPeriods + EXTRA_PERIODS) * (alarm.periodSeconds / 60);
      for (const { metric, statistic } of alarm.queries) options.store.watch(metric, statistic, minutes);
    }
  }

  states(): Record<string, AlarmState> {
    return Object.fromEntries(this.#states);
  }

  /** Returns every alarm with its text, its state, and when it entered that state. */
  overview(): AlarmOverview[] {
    return this.#options.alarms.map(({ name, description }) => ({
      name,
      description,
      state: this.#stateOf({ name }),
      sinceMs: this.#sinceMs.get(name),
      reason: this.#reasons.get(name),
    }));
  }

  /** Evaluates every alarm on the periods before `endMinute` of metric time. */
  evaluateAt(endMinute: number): void {
    for (const alarm of this.#options.alarms) {
      const evaluation = evaluate(alarm, this.#valuesOf(alarm, endMinute), this.#stateOf(alarm));
      const watchedMinutes = endMinute - this.#options.firstMinute;
      const neededMinutes = (alarm.evaluationPeriods * alarm.periodSeconds) / 60;
      // In the first minutes, missing data may only be late.
      const isEarly = alarm.missing === 'breaching' && evaluation.filled > 0 && watchedMinutes < neededMinutes;
      if (!isEarly) this.#change(alarm, evaluation.state, reasonOf(alarm, evaluation));
    }
  }

  /** Sets a state until the next evaluation; returns false if there is no such alarm. */
  set(name: string, state: AlarmState, reason: string): boolean {
    const alarm = this.#options.alarms.find((each) => each.name === name);
    if (alarm) this.#change(alarm, state, reason);
    return alarm !== undefined;
  }

  /** Returns the values of the periods, oldest first. Periods slide by a minute, like CloudWatch's default. */
  #valuesOf({ periodSeconds, evaluationPeriods, queries, expression }: AlarmDefinition, endMinute: number) {
    const length = periodSeconds / 60;
    const periods = evaluationPeriods + EXTRA_PERIODS;
    return Array.from({ length: periods }, (_, index) => {
      const from = endMinute - (periods - index) * length;
      return expression((id) => {
        const query = queries.find((each) => each.id === id);
        return query && this.#options.store.read(query.metric, query.statistic, from, from + length);
      });
    });
  }

  #stateOf({ name }: Pick<AlarmDefinition, 'name'>): AlarmState {
    return this.#states.get(name) ?? 'INSUFFICIENT_DATA';
  }

  #change(alarm: AlarmDefinition, to: AlarmState, reason: string): void {
    const from = this.#stateOf(alarm);
    if (from === to) return;
    this.#states.set(alarm.name, to);
    this.#reasons.set(alarm.name, reason);
    const atMs = Date.now();
    const fromSinceMs = this.#sinceMs.get(alarm.name);
    this.#sinceMs.set(alarm.name, atMs);
    const { topics, account, onChange } = this.#options;
    const change = { from, to, reason, atMs, fromSinceMs };
    const { subject, message } = alarmMessage(alarm, change, account);
    const actions = to === 'ALARM' ? alarm.alarmActions : to === 'OK' ? alarm.okActions : [];
    for (const arn of actions) topics.publish(arn, subject, message);
    onChange(alarm, change);
  }
}
