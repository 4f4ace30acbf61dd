import { createHash } from 'node:crypto';
import type { MailgunEvent } from '../events/mailgun-event.ts';
import { statusUpdateOf } from './status-update.ts';
import { suppressionOf } from './suppression.ts';

/** Returns what follows from an event for its message and its recipient, as one comparable text. */
export function decidingFacts(event: MailgunEvent): string {
  return JSON.stringify([statusUpdateOf(event), suppressionOf(event) ?? null]);
}

/** The facts of an event by name, as people are shown them. */
export type NamedFacts = Readonly<Record<string, string | null>>;

/** Returns a word of Mailgun as it is, and a hash of any other text: a stranger wrote it, and it may name people. */
const shown = (text: string) =>
  /^[a-z*][\w*-]{0,40}$/i.test(text) ? text : `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;

/** Returns the same by name, and the time (epoch milliseconds) to the second. */
export function namedFacts(event: MailgunEvent, atMs: number): NamedFacts {
  const { status, reason } = statusUpdateOf(event);
  const { kind = null, scope = null, reason: cause = null, source = null } = suppressionOf(event) ?? {};
  const facts = { status, reason, suppression: kind, scope, cause, source };
  const entries = Object.entries(facts).map(([name, fact]) => [name, fact === null ? null : shown(fact)]);
  return { ...Object.fromEntries(entries), time: new Date(atMs).toISOString().slice(0, 19) };
}

/** Returns the names of the facts that differ. */
export const differingFacts = (a: NamedFacts, b: NamedFacts): string[] =>
  Object.keys(b).filter((name) => a[name] !== b[name]);
