import { type Measure, type Metric, metricKey } from './metric.ts';

export type StatisticName = 'Sum' | 'Maximum' | 'Minimum' | 'p99';

/** Values measured in one minute of metric time. */
interface Minute {
  sum: number;
  maximum: number;
  minimum: number;
  count: number;
  /** For percentiles: all values, or a sample of `MAX_VALUES`. */
  readonly values: number[];
}

interface Series {
  keptMinutes: number;
  keepsValues: boolean;
  newest: number;
  readonly minutes: Map<number, Minute>;
}

const MAX_VALUES = 2000;
/** Log lines arrive late, so a minute may too. */
const LATE_MINUTES = 2;

/** Keeps the last minutes of watched metrics; drops all others to bound its size. */
export class MetricStore {
  readonly #minuteMs: number;
  readonly #random: () => number;
  readonly #series = new Map<string, Series>();

  /** `minuteMs`: milliseconds that one minute of metric time takes. */
  constructor(minuteMs: number, random: () => number = Math.random) {
    this.#minuteMs = minuteMs;
    this.#random = random;
  }

  /** Keeps this many minutes of a metric from now on. */
  watch(metric: Metric, statistic: StatisticName, minutes: number): void {
    const key = metricKey(metric);
    const series = this.#series.get(key) ?? { keptMinutes: 0, keepsValues: false, newest: 0, minutes: new Map() };
    series.keptMinutes = Math.max(series.keptMinutes, minutes + LATE_MINUTES);
    series.keepsValues ||= statistic === 'p99';
    this.#series.set(key, series);
  }

  readonly measure: Measure = (metric, value, atMs = Date.now()) => {
    const series = this.#series.get(metricKey(metric));
    if (!series) return;
    const minute = this.#minuteOf(series, Math.floor(atMs / this.#minuteMs));
    minute.sum += value;
    minute.maximum = Math.max(minute.maximum, value);
    minute.minimum = Math.min(minute.minimum, value);
    minute.count += 1;
    if (!series.keepsValues) return;
    const index = minute.values.length < MAX_VALUES ? minute.values.length : Math.floor(this.#random() * minute.count);
    if (index < MAX_VALUES) minute.values[index] = value;
  };

  /** Returns a statistic over minutes `from` (inclusive) to `to` (exclusive); undefined without data. */
  read(metric: Metric, statistic: StatisticName, from: number, to: number): number | undefined {
    const series = this.#series.get(metricKey(metric));
    if (!series) throw new Error(`nothing watches ${metricKey(metric)}`);
    const found: Minute[] = [];
    for (let index = from; index < to; index += 1) {
      const minute = series.minutes.get(index);
      if (minute) found.push(minute);
    }
    return found.length === 0 ? undefined : STATISTICS[statistic](found);
  }

  #minuteOf(series: Series, index: number): Minute {
    const known = series.minutes.get(index);
    if (known) return known;
    const minute: Minute = {
      sum: 0,
      maximum: Number.NEGATIVE_INFINITY,
      minimum: Number.POSITIVE_INFINITY,
      count: 0,
      values: [],
    };
    series.minutes.set(index, minute);
    series.newest = Math.max(series.newest, index);
    for (const old of series.minutes.keys()) {
      if (old <= series.newest - series.keptMinutes) series.minutes.delete(old);
    }
    return minute;
  }
}

const STATISTICS: Readonly<Record<StatisticName, (minutes: readonly Minute[]) => number>> = {
  Sum: (minutes) => minutes.reduce((sum, minute) => sum + minute.sum, 0),
  Maximum: (minutes) => Math.max(...minutes.map(({ maximum }) => maximum)),
  Minimum: (minutes) => Math.min(...minutes.map(({ minimum }) => minimum)),
  p99: (minutes) => {
    const values = minutes.flatMap((minute) => minute.values).sort((a, b) => a - b);
    return values[Math.ceil(values.length * 0.99) - 1] ?? Number.NaN;
  },
};
