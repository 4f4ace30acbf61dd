/** A CloudWatch metric; other dimensions make another metric. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Records a value of a metric, at a time in epoch milliseconds or now. */
export type Measure = (metric: Metric, value: number, atMs?: number) => void;

export function metricKey({ namespace, name, dimensions }: Metric): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
