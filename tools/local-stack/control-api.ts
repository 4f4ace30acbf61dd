import type { IncomingMessage, RequestListener } from 'node:http';
import { parseMisbehaviour } from '../mailgun-twin/api-misbehaviour.ts';
import type { EventData } from '../mailgun-twin/event-parts.ts';
import type { AlarmState } from './alarms/evaluate.ts';
import type { Controls, SigningKeys } from './controls.ts';
import { checkFault, type Fault } from './faults.ts';
import { readBody } from './loopback.ts';
import { isRecord } from './template.ts';

type Answer = readonly [status: number, value: unknown];
/** `POST /<kind>/<name>`. */
type NamedRoutes = Readonly<Record<string, (name: string, body: unknown) => Answer | Promise<Answer>>>;

const MAX_BODY_BYTES = 1024 * 1024;

/** Answers what is asked of a running stack by HTTP. */
export function createControlApi(controls: Controls): RequestListener {
  const routes: Readonly<Record<string, (body: unknown) => Answer | Promise<Answer>>> = {
    'GET /place': () => [200, controls.place],
    'GET /stats': async () => [200, await controls.stats()],
    'GET /published': () => [200, { events: controls.published() }],
    'GET /logs': () => [200, { lines: controls.logs() }],
    'GET /notifications': () => [200, { notifications: controls.notifications() }],
    'GET /alarms': () => [200, { alarms: controls.alarms() }],
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
      const misbehaviour = parseMisbehaviour(body);
      if (typeof misbehaviour === 'string') return badRequest(misbehaviour);
      controls.misbehave(misbehaviour);
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
  const { bytes } = await readBody(incoming, MAX_BODY_BYTES);
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
