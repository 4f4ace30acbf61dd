import type { IncomingMessage, RequestListener } from 'node:http';
import type { AlarmState } from './alarms/evaluate.ts';
import type { Notification } from './alarms/topics.ts';
import type { PublishedEvent } from './engines/events.ts';
import { checkFault, type Fault } from './faults.ts';
import type { Outcome } from './function-sandbox.ts';
import type { LogLine } from './logbook.ts';
import { readBody } from './loopback.ts';
import type { EventData } from './mailgun-twin/event-parts.ts';
import type { ApiCounts } from './mailgun-twin/mailgun-api.ts';
import { type Nasty, parseNasty } from './mailgun-twin/nasty.ts';
import type { ReconcileResult, ReconcileSums } from './reconcile-runs.ts';
import { isRecord } from './template.ts';
import type { Usage } from './usage.ts';

/** The keys the stack accepts, as its secret holds them. */
export interface SigningKeys {
  readonly current: string;
  readonly previous?: string;
  readonly parent?: string;
}

/** What the stack's own engines and functions tell. */
export interface StackStats extends Usage {
  readonly queue: { readonly visible: number; readonly inFlight: number };
  readonly deadLetters: number;
  readonly processes: Readonly<Record<string, number>>;
  readonly alarms: Readonly<Record<string, AlarmState>>;
  /** The same calls and capacity by function; `event-source` is Lambda's poller. */
  readonly byCaller: Readonly<Record<string, Usage>>;
}

export interface Stats extends StackStats {
  /** Calls of the twin's API. */
  readonly mailgun: ApiCounts;
  readonly reconcile: ReconcileSums;
}

/** What the operator's commands need to find of a stack: on AWS its outputs tell. */
export interface StackPlace {
  readonly stackName: string;
  readonly region: string;
  readonly awsEndpointUrl: string;
  /** Names the operator among the callers of the engines. */
  readonly accessKeyId: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** What can be asked of a running stack, by HTTP or by a test that holds it. */
export interface Controls {
  readonly place: StackPlace;
  stats(): Promise<Stats>;
  putKeys(keys: SigningKeys): Promise<void>;
  setFaults(faults: readonly Fault[]): void;
  logs(): readonly LogLine[];
  /** What has arrived at the topics, oldest first. */
  notifications(): readonly Notification[];
  /** Sets an alarm's state until it is evaluated again; false where there is none of that name. */
  setAlarm(name: string, state: AlarmState, reason: string): boolean;
  /** The last events on the buses. */
  published(): readonly PublishedEvent[];
  /** One run of reconcile that ignores the waits. */
  reconcile(): Promise<ReconcileResult>;
  /** Runs a function by its short name with an event as JSON text; undefined where there is none of that name. */
  invoke(functionName: string, event: string): Promise<Outcome> | undefined;
  /** How the twin's API misbehaves from now on. */
  misbehave(nasty: Nasty): void;
  /** Has the twin's API list events of which no webhook tells. */
  list(events: readonly EventData[]): void;
}

type Answer = readonly [status: number, value: unknown];
/** `POST /<kind>/<name>`. */
type NamedRoutes = Readonly<Record<string, (name: string, body: unknown) => Answer | Promise<Answer>>>;

const LARGEST_BODY_BYTES = 1024 * 1024;

export function createControl(controls: Controls): RequestListener {
  const routes: Readonly<Record<string, (body: unknown) => Answer | Promise<Answer>>> = {
    'GET /place': () => [200, controls.place],
    'GET /stats': async () => [200, await controls.stats()],
    'GET /published': () => [200, { events: controls.published() }],
    'GET /logs': () => [200, { lines: controls.logs() }],
    'GET /notifications': () => [200, { notifications: controls.notifications() }],
    async 'POST /keys'(body) {
      const keys = parseKeys(body);
      if (!keys) return badRequest('a body is needed like {"current":"<key>","previous"?:"<key>","parent"?:"<key>"}');
      await controls.putKeys(keys);
      return [200, { ok: true }];
    },
    'POST /faults'(body) {
      const faults = Array.isArray(body) ? body.map(checkFault) : ['a body is needed like [{"service":"sqs",…}]'];
      const mistake = faults.find((fault) => typeof fault === 'string');
      if (mistake !== undefined) return badRequest(mistake);
      controls.setFaults(faults as Fault[]);
      return [200, { ok: true }];
    },
    'POST /reconcile': async () => [200, await controls.reconcile()],
    'POST /mailgun'(body) {
      const nasty = parseNasty(body);
      if (typeof nasty === 'string') return badRequest(nasty);
      controls.misbehave(nasty);
      return [200, { ok: true }];
    },
    'POST /mailgun/events'(body) {
      if (!Array.isArray(body) || !body.every(isEventData)) return badRequest(`a body is needed like ${EVENT_EXAMPLE}`);
      controls.list(body);
      return [200, { ok: true }];
    },
  };
  const named: NamedRoutes = {
    async invoke(functionName, event) {
      const outcome = await controls.invoke(functionName, JSON.stringify(event ?? {}));
      if (outcome === undefined) return [404, { ok: false, reason: 'unknown-function' }];
      if (!outcome.ok) return [502, { ok: false, reason: 'function-failed', explanation: outcome.error }];
      return [200, JSON.parse(outcome.payload)];
    },
    alarms(name, body) {
      const { state, reason } = isRecord(body) ? body : {};
      if (!isAlarmState(state) || typeof reason !== 'string' || reason === '') {
        return badRequest('a body is needed like {"state":"ALARM","reason":"drill"}');
      }
      if (!controls.setAlarm(name, state, reason)) return [404, { ok: false, reason: 'unknown-alarm' }];
      return [200, { ok: true }];
    },
  };

  return async (incoming, outgoing) => {
    const [status, value] = await answer(routes, named, incoming).catch(
      (error): Answer => [500, { ok: false, reason: String(error) }],
    );
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
  };
}

async function answer(
  routes: Readonly<Record<string, (body: unknown) => Answer | Promise<Answer>>>,
  named: NamedRoutes,
  incoming: IncomingMessage,
): Promise<Answer> {
  const { bytes } = await readBody(incoming, LARGEST_BODY_BYTES);
  if (isFromWebPage(incoming)) return [403, { ok: false, reason: 'not-for-web-pages' }];
  const route = `${incoming.method} ${incoming.url?.split('?')[0]}`;
  const [, kind, name = ''] = /^POST \/(invoke|alarms)\/([A-Za-z0-9-]+)$/.exec(route) ?? [];
  const body = parseJson(bytes.toString('utf8'));
  const answered = kind === undefined ? routes[route]?.(body) : named[kind]?.(name, body);
  return answered ?? [404, { ok: false, reason: 'unknown-path' }];
}

/** Any page open in a browser can send here; none has business here. */
function isFromWebPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseKeys(body: unknown): SigningKeys | undefined {
  if (!isRecord(body)) return undefined;
  const { current, previous, parent } = body;
  if (typeof current !== 'string' || current === '') return undefined;
  for (const key of [previous, parent]) if (key !== undefined && typeof key !== 'string') return undefined;
  return {
    current,
    ...(typeof previous === 'string' && { previous }),
    ...(typeof parent === 'string' && { parent }),
  };
}

function isAlarmState(value: unknown): value is AlarmState {
  return value === 'OK' || value === 'ALARM' || value === 'INSUFFICIENT_DATA';
}

const EVENT_EXAMPLE = '[{"event":"opened","id":"…","timestamp":1790000000.5,"recipient":"a@b.example",…}]';

function isEventData(value: unknown): value is EventData {
  if (!isRecord(value)) return false;
  const { event, id, timestamp, recipient } = value;
  return [event, id, recipient].every((text) => typeof text === 'string') && typeof timestamp === 'number';
}

function badRequest(explanation: string): Answer {
  return [400, { ok: false, reason: 'bad-request', explanation }];
}
