import { randomUUID } from 'node:crypto';
import { isRecord } from '../template/template.ts';
import { type Engine, type EngineReply, jsonReply } from './engine.ts';

/** An event on a bus. */
export interface BusEvent {
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly time: string;
  readonly bus: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

export interface EventsEngine extends Engine {
  /** Returns the last events, up to at least `KEPT_EVENTS`. */
  published(): readonly BusEvent[];
  /** Calls `listener` with every accepted event. */
  onPublished(listener: (event: BusEvent) => void): void;
}

const KEPT_EVENTS = 100_000;
/** EventBridge's limits. */
const MAX_ENTRIES = 10;
const MAX_CALL_BYTES = 262_144;

/** EventBridge's buses: PutEvents, with the events kept for inspection. */
export function createEvents(now: () => number = Date.now): EventsEngine {
  const events: BusEvent[] = [];
  const listeners: ((event: BusEvent) => void)[] = [];

  function put(entry: unknown) {
    const read = readEntry(entry);
    if (typeof read === 'string') return { ErrorCode: read, ErrorMessage: `the entry has ${read}` };
    const { timeMs = now(), ...said } = read;
    const event = { id: randomUUID(), time: new Date(timeMs).toISOString(), ...said };
    events.push(event);
    if (events.length > 2 * KEPT_EVENTS) events.splice(0, KEPT_EVENTS);
    for (const listener of listeners) listener(event);
    return { EventId: event.id };
  }

  return {
    published: () => [...events],
    onPublished: (listener) => listeners.push(listener),
    async call(operation, body) {
      if (operation !== 'PutEvents') return refusal('UnknownOperationException', `there is no ${operation} here`);
      const { Entries } = JSON.parse(body.toString('utf8')) as { Entries?: unknown };
      if (!Array.isArray(Entries) || Entries.length < 1 || Entries.length > MAX_ENTRIES) {
        return refusal('ValidationException', `there must be 1 to ${MAX_ENTRIES} entries`);
      }
      if (body.length > MAX_CALL_BYTES) return refusal('ValidationException', 'the entries are too large');
      const results = Entries.map(put);
      const FailedEntryCount = results.filter((result) => 'ErrorCode' in result).length;
      return jsonReply(200, { FailedEntryCount, Entries: results }, '1.1');
    },
  };
}

/** An entry as received; `timeMs` if it has a time. */
type Entry = Omit<BusEvent, 'id' | 'time'> & { readonly timeMs?: number };

function readEntry(entry: unknown): Entry | 'InvalidArgument' | 'MalformedDetail' {
  const {
    EventBusName: bus = 'default',
    Source: source,
    DetailType: detailType,
    Detail,
    Time,
  } = isRecord(entry) ? entry : {};
  const texts = [bus, source, detailType, Detail];
  if (!texts.every((text) => typeof text === 'string' && text !== '')) return 'InvalidArgument';
  try {
    const detail: unknown = JSON.parse(String(Detail));
    if (!isRecord(detail)) return 'MalformedDetail';
    const timeMs = typeof Time === 'number' ? { timeMs: Time * 1000 } : {};
    return { bus: String(bus), source: String(source), detailType: String(detailType), detail, ...timeMs };
  } catch {
    return 'MalformedDetail';
  }
}

function refusal(type: string, message: string): EngineReply {
  return jsonReply(400, { __type: type, message }, '1.1');
}
