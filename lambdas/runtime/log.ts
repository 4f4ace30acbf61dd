import { METRICS } from '../contract.ts';

/** Fields of a log line. Never bodies, addresses, subjects, IPs, URLs, tokens, signatures or keys. */
type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

interface Log {
  /** Writes one JSON line. */
  write(message: string, facts?: Facts): void;
  /** Writes a line that CloudWatch also counts as a metric (embedded metric format), by `reason` if there is one. */
  count(metric: string, message: string, facts?: Facts & { reason?: string }, times?: number): void;
  /** Writes a line whose values CloudWatch reads as metrics, apart by one of the facts where it is named. */
  measure(metrics: Readonly<Record<string, number>>, message: string, facts?: Facts, by?: string): void;
}

/** Returns a log that writes to standard output, because Lambda forwards JSON lines unchanged. */
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
    count(metric, message, { reason, ...facts } = {}, times = 1) {
      const byReason = reason ? { reason, [METRICS.reasonDimension]: reason } : {};
      const dimensions = [...allTogether, ...(reason ? [[METRICS.dimension, METRICS.reasonDimension]] : [])];
      writeMetrics(message, { ...byReason, ...facts }, dimensions, { [metric]: times }, { Unit: 'Count' });
    },
    measure: (metrics, message, facts = {}, by) =>
      writeMetrics(message, facts, by ? [[METRICS.dimension, by]] : allTogether, metrics),
  };
}

/** Returns what may be logged of an error. Syntax errors quote their input, so only their name is logged. */
export function errorFacts(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: typeof error };
  const { requestId, attempts } = (error as { $metadata?: { requestId?: string; attempts?: number } }).$metadata ?? {};
  const detail = error instanceof SyntaxError ? undefined : error.message;
  // Noted by the adapters: service and operation, and the output of the secret, since the text may name nothing.
  const { call, secret } = error as { call?: string; secret?: string };
  return { error: error.name, detail, call, secret, awsRequestId: requestId, attempts };
}
