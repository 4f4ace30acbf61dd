import { readdirSync, readFileSync } from 'node:fs';
import { METRICS } from '../../lambdas/contract.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { readStackDomains } from '../ledger.ts';
import { openClients } from './clients.ts';
import {
  type AlarmReport,
  type Deployment,
  fits,
  LOG_GROUPS,
  type LogSource,
  parseLogEntry,
  type StackUsage,
  type TopicMessage,
} from './types.ts';

interface Running {
  readonly pid?: number;
  readonly controlUrl: string;
  readonly mailgunUrl: string;
  readonly domains: readonly string[];
}

interface LocalStackInfo {
  readonly stackName: string;
  readonly region: string;
  readonly awsEndpointUrl: string;
  readonly accessKeyId: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** Opens the local stack of a webhook port, or the only one that runs; `folder` holds the ready line of each. */
export async function openLocal(given: number | undefined, folder: URL): Promise<Deployment> {
  const port = given ?? findOnlyPort(folder);
  const { controlUrl, mailgunUrl, domains: started } = readRunning(port, folder);
  const control = async (path: string, body?: unknown) => {
    const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return fetch(controlUrl + path, request).catch((cause) => {
      throw new TargetUnavailableError(`the local stack on port ${port} does not respond; is it still running?`, {
        cause,
      });
    });
  };
  const read = async <Reply>(path: string) => (await control(path)).json() as Promise<Reply>;
  const { stackName, region, awsEndpointUrl, accessKeyId, outputs } = await read<LocalStackInfo>('/place');
  const clients = openClients({
    region,
    endpoint: awsEndpointUrl,
    credentials: { accessKeyId, secretAccessKey: 'local' },
  });
  const table = { client: clients.table, name: outputs.TableName ?? '' };
  const stackDomains = await readStackDomains(outputs.Domains ?? '[]', table);
  const { discovered } = stackDomains;
  const found = discovered?.domains.filter(({ goneAt }) => goneAt === undefined).map(({ name }) => name);
  const output = (key: string) => {
    const value = outputs[key];
    if (value === undefined) throw new TargetUnavailableError(`the stack has no output ${key}`);
    return value;
  };
  return {
    name: `the local stack of port ${port}`,
    stackName,
    ref: { kind: 'local', port },
    domains: found ?? started,
    get furtherDomains() {
      return stackDomains.further;
    },
    discovered,
    clients,
    output,
    mailgunUrl: () => mailgunUrl,
    async invoke(functionName, event) {
      const response = await control(`/invoke/${functionName}`, event);
      const text = await response.text();
      if (!response.ok) throw new TargetUnavailableError(`${functionName} of the local stack failed: ${text.trim()}`);
      return JSON.parse(text);
    },
    async logs(source, sinceMs, filter) {
      const { lines } = await read<{ lines: LocalLine[] }>('/logs');
      return lines
        .filter((line) => line.source.replace(/\[\d+\]$/, '') === LOCAL_SOURCES[source])
        .map(({ at, line }) => parseLogEntry(Date.parse(at), line))
        .filter(({ atMs }) => atMs >= sinceMs)
        .filter(fits(filter));
    },
    async alarms() {
      const { alarms } = await read<{ alarms: AlarmReport[] }>('/alarms');
      return alarms;
    },
    async soundAlarm(name, reason) {
      const response = await control(`/alarms/${encodeURIComponent(name)}`, { state: 'ALARM', reason });
      if (!response.ok)
        throw new TargetUnavailableError(`the alarm ${name} cannot be set: ${(await response.text()).trim()}`);
    },
    // The local topics have no subscribers.
    audience: async () => [],
    async notifications() {
      const response = await control('/notifications');
      if (!response.ok) throw new TargetUnavailableError('the local stack of this version keeps no notifications');
      return ((await response.json()) as { notifications: TopicMessage[] }).notifications;
    },
    async usage() {
      return usageSinceStart(await read<LocalStats>('/stats'));
    },
  };
}

interface LocalLine {
  readonly at: string;
  readonly source: string;
  readonly line: string;
}

interface LocalStats {
  readonly seconds: number;
  readonly logBytes: number;
  readonly logged: Readonly<Record<string, number>>;
  readonly capacity: { readonly read: number; readonly write: number };
}

function usageSinceStart({ seconds, logBytes, logged, capacity }: LocalStats): StackUsage {
  const perHour = 3600 / seconds;
  return {
    seconds,
    logBytes,
    refused: logged[METRICS.refused] ?? 0,
    writeUnits: capacity.write,
    readUnits: capacity.read,
    peakHourWriteUnits: capacity.write * perHour,
    peakHourReadUnits: capacity.read * perHour,
    tableBytes: undefined,
    itemBytes: undefined,
    table: { isInfrequentAccess: false, provisioned: undefined, isBackedUp: true },
  };
}

/** Gateways log under the names of their boxes. */
const LOCAL_SOURCES: Readonly<Record<LogSource, string>> = {
  ...(Object.fromEntries(Object.keys(LOG_GROUPS).map((name) => [name, name])) as Record<LogSource, string>),
  'webhook-access': 'webhook-api-http-api',
  'read-access': 'read-api-http-api',
};

/** Returns the port of the only running stack; throws a UsageError that lists them where there are several. */
export function findOnlyPort(folder: URL): number {
  const ports = readyFilesIn(folder)
    .map((name) => Number.parseInt(name, 10))
    .filter((port) => isAlive(readRunning(port, folder).pid))
    .toSorted((a, b) => a - b);
  const [only, ...others] = ports;
  if (only === undefined) throw new TargetUnavailableError('no local stack is running; start one with: npm start');
  if (others.length === 0) return only;
  const choices = ports.map((port) => `--port ${port} (${readRunning(port, folder).domains.join(', ')})`);
  throw new UsageError(`${ports.length} local stacks are running; add one of ${choices.join(', ')}`);
}

function readyFilesIn(folder: URL): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+\.json$/.test(name));
  } catch {
    return [];
  }
}

/** Returns false for a killed stack, which leaves its file behind. */
function isAlive(pid: number | undefined): boolean {
  try {
    return pid === undefined || process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readRunning(port: number, folder: URL): Running {
  try {
    return JSON.parse(readFileSync(new URL(`${port}.json`, folder), 'utf8'));
  } catch {
    throw new TargetUnavailableError(
      `no local stack is running on port ${port}; start one with: npm start -- --port ${port}`,
    );
  }
}
