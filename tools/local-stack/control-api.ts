import type { IncomingMessage, RequestListener } from 'node:http';
import type { AlarmState } from './alarms/evaluate.ts';
import { checkFault, type Fault } from './aws/fault-rules.ts';
import type { Controls } from './controls.ts';
import { readBody } from './run/listener.ts';
import { isRecord } from './template/template.ts';

/** Status code, and value of the JSON body. */
type ControlResponse = readonly [status: number, value: unknown];
/** `POST /<kind>/<name>`. */
type NamedRoutes = Readonly<
  Record<string, (name: string, body: unknown) => ControlResponse | Promise<ControlResponse>>
>;

const MAX_BODY_BYTES = 1024 * 1024;

/** Routes by `<method> <path>`. */
export type ControlRoutes = Readonly<Record<string, (body: unknown) => ControlResponse | Promise<ControlResponse>>>;

/** Serves a running stack's controls over HTTP; routes in `more` add to the built-in ones or replace them. */
export function createControlApi(controls: Controls, more: ControlRoutes = {}): RequestListener {
  const routes: ControlRoutes = {
    'GET /place': () => [200, controls.place],
    'GET /stats': () => [200, controls.stats()],
    'GET /published': () => [200, { events: controls.published() }],
    'GET /logs': () => [200, { lines: controls.logs() }],
    'GET /notifications': () => [200, { notifications: controls.notifications() }],
    'GET /alarms': () => [200, { alarms: controls.alarms() }],
    'POST /faults'(body) {
      const faults = Array.isArray(body) ? body.map(checkFault) : ['a body is needed like [{"service":"sqs",…}]'];
      const mistake = faults.find((fault) => typeof fault === 'string');
      if (mistake !== undefined) return badRequest(mistake);
      controls.setFaults(faults as Fault[]);
      return [200, { ok: true }];
    },
    ...more,
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
    const [status, value] = await respond(routes, named, incoming).catch(
      (error): ControlResponse => [500, { ok: false, reason: String(error) }],
    );
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
  };
}

async function respond(routes: ControlRoutes, named: NamedRoutes, incoming: IncomingMessage): Promise<ControlResponse> {
  const { bytes } = await readBody(incoming, MAX_BODY_BYTES);
  if (isFromWebPage(incoming)) return [403, { ok: false, reason: 'not-for-web-pages' }];
  const route = `${incoming.method} ${incoming.url?.split('?')[0]}`;
  const [, kind, name = ''] = /^POST \/(invoke|alarms)\/([A-Za-z0-9-]+)$/.exec(route) ?? [];
  const body = parseJson(bytes.toString('utf8'));
  const response = kind === undefined ? routes[route]?.(body) : named[kind]?.(name, body);
  return response ?? [404, { ok: false, reason: 'unknown-path' }];
}

/** Rejects browsers: any open page could send requests here. */
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

function isAlarmState(value: unknown): value is AlarmState {
  return value === 'OK' || value === 'ALARM' || value === 'INSUFFICIENT_DATA';
}

export function badRequest(explanation: string): ControlResponse {
  return [400, { ok: false, reason: 'bad-request', explanation }];
}
