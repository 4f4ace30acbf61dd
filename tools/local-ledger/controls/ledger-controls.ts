import type { LocalAws } from '../../local-stack/aws/local-aws.ts';
import { badRequest, type ControlRoutes } from '../../local-stack/control-api.ts';
import type { Controls } from '../../local-stack/controls.ts';
import { countMessages, type Stats } from '../../local-stack/stats.ts';
import { outputOf } from '../../local-stack/template/stack.ts';
import { isRecord } from '../../local-stack/template/template.ts';
import { type Misbehaviour, parseMisbehaviour } from '../../mailgun-twin/api/api-misbehaviour.ts';
import type { ApiCounts } from '../../mailgun-twin/api/mailgun-api.ts';
import type { EventData } from '../../mailgun-twin/traffic/event-parts.ts';
import type { LocalMailgun } from '../local-mailgun.ts';
import { OUTPUTS } from '../stack-settings.ts';
import type { ReconcileResult, ReconcileRuns, ReconcileSums } from './reconcile-runs.ts';
import type { SealResult, SealRuns } from './seal-runs.ts';

/** Signing keys that the stack accepts, as in its secret. */
export interface AcceptedKeys {
  readonly current: string;
  readonly previous?: string;
  readonly parent?: string;
}

/** Work done since the start, and messages waiting. */
export interface LedgerStats extends Stats {
  readonly queue: { readonly visible: number; readonly inFlight: number };
  readonly deadLetters: number;
  /** API calls to the twin. */
  readonly mailgun: ApiCounts;
  readonly reconcile: ReconcileSums;
}

/** Operations on a running ledger, available over HTTP and to tests in the same process. */
export interface LedgerControls extends Omit<Controls, 'stats'> {
  stats(): Promise<LedgerStats>;
  putKeys(keys: AcceptedKeys): Promise<void>;
  /** Runs reconcile once, ignoring the waits. */
  reconcile(): Promise<ReconcileResult>;
  /** Runs seal once, ignoring the waits; undefined without an archive. */
  seal(): Promise<SealResult | undefined>;
  /** Sets how the twin's API misbehaves from now on. */
  misbehave(misbehaviour: Misbehaviour): void;
  /** Replaces the domains of the twin's account. */
  setDomains(names: readonly string[]): void;
  /** Makes the twin's API list events for which no webhook is posted. */
  list(events: readonly EventData[]): void;
}

interface LedgerParts {
  readonly aws: LocalAws;
  readonly controls: Controls;
  readonly mailgun: LocalMailgun;
  readonly reconcileRuns: ReconcileRuns;
  /** Undefined without an archive. */
  readonly sealRuns: SealRuns | undefined;
}

export function createLedgerControls({ aws, controls, mailgun, reconcileRuns, sealRuns }: LedgerParts): LedgerControls {
  const messagesOf = (output: string) => countMessages(aws.engines.sqs, outputOf(aws.stack, output));
  return {
    ...controls,
    async stats() {
      const [queue, dead] = await Promise.all([messagesOf(OUTPUTS.queueUrl), messagesOf(OUTPUTS.deadLettersUrl)]);
      return {
        queue,
        deadLetters: dead.visible + dead.inFlight,
        ...controls.stats(),
        mailgun: mailgun.api.counts(),
        reconcile: reconcileRuns.sums(),
      };
    },
    putKeys: (keys) => aws.putSecret(OUTPUTS.signingKeys, JSON.stringify(keys)),
    reconcile: () => reconcileRuns.byHand(),
    seal: async () => sealRuns?.byHand(),
    misbehave: (misbehaviour) => mailgun.api.misbehave(misbehaviour),
    setDomains: (names) => mailgun.api.setDomains(names),
    list: (events) => mailgun.list(events),
  };
}

const EVENT_EXAMPLE = '[{"event":"opened","id":"…","timestamp":1790000000.5,"recipient":"a@b.example",…}]';

/** Returns the product's own routes of the control URL. */
export function controlRoutes(controls: LedgerControls): ControlRoutes {
  return {
    'GET /stats': async () => [200, await controls.stats()],
    async 'POST /keys'(body) {
      const keys = parseKeys(body);
      if (!keys) return badRequest('a body is needed like {"current":"<key>","previous"?:"<key>","parent"?:"<key>"}');
      await controls.putKeys(keys);
      return [200, { ok: true }];
    },
    'POST /reconcile': async () => [200, await controls.reconcile()],
    async 'POST /seal'() {
      const result = await controls.seal();
      return result === undefined ? badRequest('there is no archive: start with --archive') : [200, result];
    },
    'POST /mailgun'(body) {
      const misbehaviour = parseMisbehaviour(body);
      if (typeof misbehaviour === 'string') return badRequest(misbehaviour);
      controls.misbehave(misbehaviour);
      return [200, { ok: true }];
    },
    'POST /mailgun/domains'(body) {
      if (!Array.isArray(body) || !body.every((name) => typeof name === 'string'))
        return badRequest('a body is needed like ["mg.example.com"]');
      controls.setDomains(body);
      return [200, { ok: true }];
    },
    'POST /mailgun/events'(body) {
      if (!Array.isArray(body) || !body.every(isEventData)) return badRequest(`a body is needed like ${EVENT_EXAMPLE}`);
      controls.list(body);
      return [200, { ok: true }];
    },
  };
}

function parseKeys(body: unknown): AcceptedKeys | undefined {
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

function isEventData(value: unknown): value is EventData {
  if (!isRecord(value)) return false;
  const { event, id, timestamp, recipient } = value;
  return [event, id, recipient].every((text) => typeof text === 'string') && typeof timestamp === 'number';
}
