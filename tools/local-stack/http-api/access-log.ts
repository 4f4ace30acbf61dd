import type { IncomingMessage } from 'node:http';
import { clfTime } from './request-event.ts';

interface AccessLogEntry {
  readonly incoming: IncomingMessage;
  readonly apiId: string;
  readonly requestId: string;
  readonly receivedMs: number;
  readonly routeKey: string | undefined;
  readonly status: number;
  readonly responseLength: number;
  readonly integrationLatencyMs: number | undefined;
  readonly integrationError: string | undefined;
}

/** Returns a line in the stage's log format; variables that are unknown here become `-`, as AWS writes absent ones. */
export function formatAccessLog(format: string, entry: AccessLogEntry): string {
  const { incoming, integrationLatencyMs, integrationError, receivedMs } = entry;
  const values: Readonly<Record<string, string | number | undefined>> = {
    apiId: entry.apiId,
    httpMethod: incoming.method,
    'identity.sourceIp': '127.0.0.1',
    'identity.userAgent': incoming.headers['user-agent'],
    'integration.error': integrationError,
    'integration.latency': integrationLatencyMs,
    integrationErrorMessage: integrationError,
    integrationLatency: integrationLatencyMs,
    path: incoming.url?.split('?')[0],
    protocol: `HTTP/${incoming.httpVersion}`,
    requestId: entry.requestId,
    requestTime: clfTime(receivedMs),
    requestTimeEpoch: receivedMs,
    responseLatency: Date.now() - receivedMs,
    responseLength: entry.responseLength,
    routeKey: entry.routeKey,
    stage: '$default',
    status: entry.status,
  };
  return format.replaceAll(/\$context\.([A-Za-z.]+)/g, (_, name: string) => String(values[name] ?? '-'));
}
