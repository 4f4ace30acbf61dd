import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadyLine } from '../../tools/local-ledger/ready-line.ts';
import { expectedStatus, type lifeEvent } from '../model/worlds/life-events.ts';
import { eventKey } from './traffic.ts';

interface Message {
  recipients: { recipient: string; status: string | null; decidedBy: string }[];
  events: { key: string; recipient: string }[];
  next: string | null;
}

/** What the read API returns for a run. */
interface Stored {
  keys: string[];
  /** Statuses that contradict the stored events. */
  wrongStatuses: string[];
}

/** Reads every message of the run, and compares its statuses with its events. */
export async function readBack(
  ready: ReadyLine,
  attempted: ReadonlyMap<string, ReturnType<typeof lifeEvent>>,
): Promise<Stored> {
  const stored: Stored = { keys: [], wrongStatuses: [] };
  const messageIds = new Set([...attempted.keys()].map((key) => key.slice(0, key.indexOf(' '))));
  for (const messageId of messageIds) {
    const message = await readMessage(ready, messageId);
    if (message === undefined) continue;
    const keys = message.events.map(({ recipient, key }) => eventKey(messageId, recipient, key));
    stored.keys.push(...keys);
    for (const { recipient, status, decidedBy } of message.recipients) {
      const prefix = eventKey(messageId, recipient, '');
      const events = [...new Set(keys)]
        .filter((key) => key.startsWith(prefix))
        .flatMap((key) => {
          const event = attempted.get(key);
          return event === undefined ? [] : [event];
        });
      const expected = events.length === 0 ? undefined : expectedStatus(events);
      if (expected?.status !== status || expected?.decidedBy !== decidedBy) {
        stored.wrongStatuses.push(
          `${prefix}is ${status} by ${decidedBy}, not ${expected?.status} by ${expected?.decidedBy}`,
        );
      }
    }
  }
  return stored;
}

/** Reads all pages of a message. */
async function readMessage(ready: ReadyLine, messageId: string): Promise<Message | undefined> {
  const whole: Message = { recipients: [], events: [], next: null };
  do {
    const page = await readPage(ready, messageId, whole.next);
    if (page === undefined) return undefined;
    whole.recipients.push(...page.recipients);
    whole.events.push(...page.events);
    whole.next = page.next;
  } while (whole.next !== null);
  return whole;
}

/** Reads one page, retrying when throttled, or when a call on a busy machine exceeded its second. */
async function readPage(ready: ReadyLine, messageId: string, cursor: string | null): Promise<Message | undefined> {
  const parameters = new URLSearchParams({ limit: '1000', ...(cursor !== null && { cursor }) });
  const url = `${ready.apiUrl}/mailgun/messages/${encodeURIComponent(messageId)}?${parameters}`;
  for (;;) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${ready.apiToken}` } });
    if (response.ok) return (await response.json()) as Message;
    if (response.status === 404) return undefined;
    if (response.status !== 429 && response.status !== 503) throw new Error(`${url} returned ${response.status}`);
    await sleep(200);
  }
}
