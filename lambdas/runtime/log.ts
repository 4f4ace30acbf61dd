import { METRICS } from '../contract.ts';

/** Facts of a log line. Never bodies, addresses, subjects, IPs, URLs, tokens, signatures or keys. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** One JSON line that says what happened. */
  write(message: string, facts?: Facts): void;
  /** The same line, which CloudWatch also counts as a metric (embedded metric format), by reason where one is given. */
  count(metric: string, message: string, facts?: Facts & { reason?: string }): void;
  /** One line whose values CloudWatch takes as metrics. */
  measure(metrics: Readonly<Record<string, number>>, message: string, facts?: Facts): void;
}

/** Writes to standard output: Lambda passes JSON lines on as they are. */
export function createLog(
  ledgerName: string,
  now: () => number = Date.now,
  writeLine: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
): Log {
  const writeMetrics = (
    message: string,
    facts: Facts,
    dimensions: string[][],
    values: object,
    unit?: { Unit: string },
  ) =>
    writeLine(
      JSON.stringify({
        message,
        ...facts,
        [METRICS.dimension]: ledgerName,
        ...values,
        _aws: {
          Timestamp: now(),
          CloudWatchMetrics: [
            {
              Namespace: METRICS.namespace,
              Dimensions: dimensions,
              Metrics: Object.keys(values).map((Name) => ({ Name, ...unit })),
            },
          ],
        },
      }),
    );
  const allTogether = [[METRICS.dimension]];
  return {
    write: (message, facts) => writeLine(JSON.stringify({ message, ...facts })),
    count(metric, message, { reason, ...facts } = {}) {
      const byReason = reason ? { reason, [METRICS.reasonDimension]: reason } : {};
      const dimensions = [...allTogether, ...(reason ? [[METRICS.dimension, METRICS.reasonDimension]] : [])];
      writeMetrics(message, { ...byReason, ...facts }, dimensions, { [metric]: 1 }, { Unit: 'Count' });
    },
    measure: (metrics, message, facts = {}) => writeMetrics(message, facts, allTogether, metrics),
  };
}

/** What may be logged of an error: syntax errors quote their input, so only their name is taken. */
export function errorFacts(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: typeof error };
  const { requestId, attempts } = (error as { $metadata?: { requestId?: string; attempts?: number } }).$metadata ?? {};
  const detail = error instanceof SyntaxError ? undefined : error.message;
  return { error: error.name, detail, awsRequestId: requestId, attempts };
}
