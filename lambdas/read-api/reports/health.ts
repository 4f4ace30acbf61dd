import type { AlarmEntry, HealthResponse } from '../../../api/responses/health.ts';
import { shownAlarmText } from '../../domain/alarm-description.ts';
import type { AlarmFacts, AlarmStates, QueueLength } from '../ports.ts';

interface HealthDeps {
  ledgerName: string;
  /** null if they could not be read. */
  domains: readonly string[] | null;
  /** Names of the receivers. */
  receivers: readonly string[];
  queue: QueueLength;
  deadLetters: QueueLength;
  alarms: AlarmStates;
  now: () => number;
}

/** Alarms are judged once a minute, and many pages may be open. */
const ALARMS_FRESH_MS = 20_000;

/** Reads the state of the pipeline; null for each part that does not respond, which hides no other. */
export function createHealth({ ledgerName, domains, receivers, queue, deadLetters, alarms, now }: HealthDeps) {
  const readAlarms = cached(async () => (await alarms.read()).map(alarmEntry).toSorted(onFirst), now);
  return async (): Promise<HealthResponse> => {
    const orNull = <Value>(value: Promise<Value>) => value.catch(() => null);
    const [waiting, dead, states] = await Promise.all([
      orNull(queue.messages()),
      orNull(deadLetters.messages()),
      orNull(readAlarms()),
    ]);
    return {
      ledger: ledgerName,
      domains: domains && [...domains],
      receivers: [...receivers],
      queue: waiting,
      deadLetters: dead,
      alarms: states,
    };
  };
}

/** A failure is not kept. */
function cached<Value>(read: () => Promise<Value>, now: () => number): () => Promise<Value> {
  let kept: { readonly value: Value; readonly atMs: number } | undefined;
  return async () => {
    if (kept === undefined || now() >= kept.atMs + ALARMS_FRESH_MS) kept = { value: await read(), atMs: now() };
    return kept.value;
  };
}

function alarmEntry({ name, state, sinceMs, description }: AlarmFacts): AlarmEntry {
  const since = sinceMs === undefined ? null : new Date(sinceMs).toISOString();
  return { name, state, since, ...shownAlarmText(description) };
}

const onFirst = (a: AlarmEntry, b: AlarmEntry) =>
  Number(b.state === 'ALARM') - Number(a.state === 'ALARM') || (a.name < b.name ? -1 : 1);
