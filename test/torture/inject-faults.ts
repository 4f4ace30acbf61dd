import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadyLine } from '../../tools/local-ledger/ready-line.ts';
import type { Random } from '../../tools/mailgun-twin/random.ts';

/** Faults injected into the stack. */
export interface InjectedFaults {
  kills: number;
  /** Number of fault spells, each on one operation for a fraction of a second. */
  spells: number;
}

/** Possible targets of faults. */
interface Targets {
  readonly victims: readonly string[];
  readonly operations: readonly string[];
  readonly modes: readonly string[];
}

const REQUEST_PATH: Targets = {
  victims: ['ingest', 'process'],
  operations: [
    'dynamodb.PutItem',
    'dynamodb.BatchGetItem',
    'dynamodb.GetItem',
    'dynamodb.UpdateItem',
    'dynamodb.*',
    'sqs.SendMessage',
    'sqs.ReceiveMessage',
    'sqs.DeleteMessageBatch',
    'sqs.ChangeMessageVisibility',
    'secretsmanager.GetSecretValue',
  ],
  modes: ['refuse', '500', 'throttle', 'delay', 'hang', 'drop-reply', 'truncate'],
};

/**
 * The path from a change in the table to its receivers. The bus is not included, because it discards rejected events.
 */
export const DELIVERY_PATH: Targets = {
  victims: ['publish', 'deliver', 'deliver', 'process'],
  operations: [
    ...['events.PutEvents', 'dynamodb.GetItem', 'dynamodb.UpdateItem', 'dynamodb.PutItem', 'dynamodb.*'],
    ...['sqs.ReceiveMessage', 'sqs.ChangeMessageVisibility', 'sqs.DeleteMessageBatch', 'sqs.SendMessage'],
    'secretsmanager.GetSecretValue',
  ],
  modes: ['500', 'throttle', 'delay', 'hang', 'drop-reply', 'truncate'],
};

/** Kills functions and breaks their calls, in spells with pauses, until the signal aborts. */
export async function injectFaults(
  ready: ReadyLine,
  random: Random,
  signal: AbortSignal,
  { victims, operations, modes }: Targets = REQUEST_PATH,
): Promise<InjectedFaults> {
  const done: InjectedFaults = { kills: 0, spells: 0 };
  const pick = <T>(list: readonly T[]) => list[Math.floor(random.next() * list.length)] as T;
  while (!signal.aborted) {
    if (random.chance(0.5)) {
      if (await kill(ready, pick(victims))) done.kills += 1;
    } else {
      const duplicates = random.chance(0.2);
      const operation = duplicates ? 'sqs.SendMessage' : pick(operations);
      await setFaults(ready, operation, duplicates ? 'duplicate' : pick(modes), pick([10, 50, 100]));
      done.spells += 1;
      await sleep(100 + random.next() * 400);
      await clearFaults(ready);
    }
    await sleep(random.next() * 500);
  }
  return done;
}

export async function clearFaults(ready: ReadyLine): Promise<void> {
  await control(ready, '/faults', []);
}

async function setFaults(ready: ReadyLine, target: string, mode: string, percent: number): Promise<void> {
  const [service, operation] = target.split('.');
  await control(ready, '/faults', [{ service, operation, mode, percent }]);
}

async function kill(ready: ReadyLine, name: string): Promise<boolean> {
  const stats = (await control(ready, '/stats')) as { processes: Record<string, number> };
  const pid = stats.processes[name];
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** Calls the stack's control API, by POST if there is a body. */
export async function control(ready: ReadyLine, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(ready.controlUrl + path, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  const value = await response.json();
  if (!response.ok) throw new Error(`${path} returned ${response.status}: ${JSON.stringify(value)}`);
  return value;
}
