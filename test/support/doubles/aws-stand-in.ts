import { mock } from 'node:test';
import { listenOnLoopback } from '../../../tools/local-stack/run/listener.ts';

/** A function's call to AWS. */
interface AwsCall {
  operation: string;
  input: Record<string, unknown>;
}

/**
 * Starts a stand-in for AWS: `replyTo` returns the reply to each call (`__type`: an error), and all calls are recorded.
 */
export async function startAwsStandIn(replyTo: (call: AwsCall) => object) {
  const calls: AwsCall[] = [];
  const { url, close } = await listenOnLoopback(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const call = { operation, input: JSON.parse(body) };
    calls.push(call);
    const reply = replyTo(call);
    response.statusCode = '__type' in reply ? 400 : 200;
    response.end(JSON.stringify(reply));
  });
  return {
    calls,
    environment: {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL: url,
    },
    close,
  };
}

/** Returns the log lines that `work` writes to standard output. */
export async function linesOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const lines: string[] = [];
  const write = mock.method(process.stdout, 'write', (line: string | Uint8Array) => lines.push(String(line)) > 0);
  try {
    await work();
  } finally {
    write.mock.restore();
  }
  return lines.map((line) => JSON.parse(line));
}

/** Returns the metrics that CloudWatch extracts from the lines, by name and dimensions. */
export function metricsIn(lines: Record<string, unknown>[]): Record<string, unknown>[] {
  return lines.flatMap(({ _aws, ...facts }) => {
    const { CloudWatchMetrics = [] } = (_aws ?? {}) as {
      CloudWatchMetrics?: { Dimensions: string[][]; Metrics: { Name: string }[] }[];
    };
    return CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name }) =>
        Dimensions.map((names) => ({
          [Name]: facts[Name],
          ...Object.fromEntries(names.map((name) => [name, facts[name]])),
        })),
      ),
    );
  });
}
