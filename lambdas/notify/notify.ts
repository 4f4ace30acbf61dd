import type { AlarmNotice } from '../domain/notify/alarm-notice.ts';
import { requestOf, type ServiceKind, type Target } from '../domain/notify/targets.ts';
import { reasonOf } from '../domain/publishing/delivery.ts';
import { isAcknowledgement } from '../domain/publishing/retry-schedule.ts';
import type { ReceiverStateReader } from '../shared/ports.ts';
import type { NoticePoster } from './ports.ts';

interface NotifyDeps {
  client: NoticePoster;
  targets: () => Promise<readonly Target[]>;
  states: ReceiverStateReader;
  /** Names of the receivers. */
  receivers: readonly string[];
  sleep: (ms: number) => Promise<void>;
  /** Called for a target that did not take a notice. */
  onFailed: (kind: ServiceKind, why: string) => void;
  /** Called where the notice that notices fail has failed as well. */
  onOwnFailed: (error: unknown) => void;
}

/** Heading of the alarm for disabled receivers. */
const RECEIVER_DISABLED = 'receiver-disabled';
/** Heading of the alarm on notices that fail. */
const NOTIFY_ERRORS = 'notify-errors';
/** Waits before another attempt. */
const RETRY_MS = [1000, 5000];

/**
 * Brings a notice to every target of its severity. Throws where a target did not take it, so that it comes again: to
 * the others it then comes twice, which is better than not at all.
 */
export function createNotify({ client, targets, states, receivers, sleep, onFailed, onOwnFailed }: NotifyDeps) {
  return async (notice: AlarmNotice): Promise<void> => {
    try {
      await bringToAll(notice);
    } catch (error) {
      // Counted as an error, it would set the same alarm off again without end; the addresses of the topic have it.
      if (!isOf(notice, NOTIFY_ERRORS)) throw error;
      onOwnFailed(error);
    }
  };

  async function bringToAll(bare: AlarmNotice): Promise<void> {
    const notice = { ...bare, details: [...bare.details, ...(await disabledReceivers(bare))] };
    const wanted = (await targets()).filter(({ severities }) => severities.includes(notice.severity));
    const results = await Promise.all(wanted.map((target) => bring(notice, target)));
    const failed = results.filter((isTaken) => !isTaken).length;
    if (failed > 0) throw new Error(`${failed} of ${wanted.length} targets did not take the notice`);
  }

  async function bring(notice: AlarmNotice, target: Target): Promise<boolean> {
    const { url, headers, body } = requestOf(notice, target);
    const all = { 'content-type': 'application/json', 'user-agent': 'mailgun-ledger', ...headers };
    const text = JSON.stringify(body);
    for (let attempt = 0; ; attempt += 1) {
      const why = await client
        .post(url, all, text)
        .then((response) => (isAcknowledgement(response) ? undefined : `status ${response.status}`), reasonOf);
      if (why === undefined) return true;
      const waitMs = RETRY_MS[attempt];
      if (waitMs === undefined || isFinal(why)) {
        onFailed(target.kind, why);
        return false;
      }
      await sleep(waitMs);
    }
  }

  /** Returns the disabled receivers, which only the table knows; on failure the alarm is sent without them. */
  async function disabledReceivers(notice: AlarmNotice): Promise<string[]> {
    if (notice.isOver || !isOf(notice, RECEIVER_DISABLED)) return [];
    const known = await Promise.allSettled(receivers.map(async (name) => ({ name, state: await states.read(name) })));
    return known.flatMap((result) => {
      if (result.status === 'rejected') return ['the state of a receiver could not be read'];
      const { name, state } = result.value;
      if (state.disabledAt === undefined) return [];
      const { disabledReason = 'operator', lastStatus = 0, lastId } = state;
      const last = lastStatus === 0 ? 'no response' : `last status ${lastStatus}`;
      const event = lastId === undefined ? '' : `, event ${lastId}`;
      return [`${name} is disabled (${disabledReason}, ${last}${event}); once it is fixed: receivers enable ${name}`];
    });
  }
}

const isOf = ({ text }: AlarmNotice, heading: string) => text?.runbook.endsWith(`#${heading}`) === true;

/** A 4xx is permanent, except 408 and 429, which may be retried. */
const isFinal = (why: string) => /^status 4(?!08|29)\d\d$/.test(why);
