import { isRecord } from '../template/template.ts';
import type { Measure } from './metric.ts';

/** Records the metrics in a log line of embedded metric format; ignores other lines. */
export function measureEmbedded(line: string, measure: Measure): void {
  if (!line.startsWith('{') || !line.includes('"_aws"')) return;
  const entry = parseLine(line);
  if (!isRecord(entry) || !isRecord(entry._aws) || !Array.isArray(entry._aws.CloudWatchMetrics)) return;
  const atMs = Number(entry._aws.Timestamp);
  for (const { Namespace: namespace, Dimensions, Metrics } of entry._aws.CloudWatchMetrics as Directive[]) {
    for (const names of Dimensions) {
      const dimensions = Object.fromEntries(names.map((name) => [name, String(entry[name])]));
      for (const { Name: name } of Metrics) {
        const values = Array.isArray(entry[name]) ? entry[name] : [entry[name]];
        for (const value of values) {
          if (typeof value === 'number') measure({ namespace, name, dimensions }, value, atMs);
        }
      }
    }
  }
}

interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string }[];
}

/** A killed process may leave half a line. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
