import { MESSAGES } from '../../../lambdas/contract.ts';
import { parseEvent } from '../../../lambdas/domain/events/mailgun-event.ts';
import { nameInEventKey } from '../../../lambdas/domain/keys.ts';
import { differingFacts, type NamedFacts, namedFacts } from '../../../lambdas/domain/status/deciding-facts.ts';
import { readHistory } from '../../event-history.ts';
import { plain, printedCommand } from '../../output.ts';
import { type Deployment, readLogs } from '../../target/types.ts';

/** An event that was found stored otherwise than Mailgun lists it, by the log of reconcile. */
export type AlteredLine = {
  event: 'altered-event';
  domain: string;
  /** Null where the event names no message. */
  messageId: string | null;
  /** Null where the event is not in the table any more. */
  recipient: string | null;
  eventKey: string;
  /** An operator had distrusted the event, and Mailgun listed it later: nothing else differed. */
  wasDistrusted: boolean;
  differs: readonly { fact: string; stored: string | null; listed: string | null }[];
  /** It is stored by now as Mailgun lists it. */
  isPutRight: boolean;
  /** The command that explains its message; null where no command can name it. */
  why: string | null;
};

/** Returns each altered event of the domains once, as it was found last; a text where the log cannot be read. */
export async function findAltered(
  deployment: Deployment,
  domains: readonly string[],
  sinceMs: number,
): Promise<AlteredLine[] | string> {
  const entries = await readLogs(deployment, 'reconcile', sinceMs, { message: MESSAGES.altered });
  if (typeof entries === 'string') return entries;
  const own = entries.filter(({ facts }) => domains.includes(facts.domain as string));
  const newest = new Map(own.map(({ facts }) => [`${facts.messageId} ${facts.eventKey}`, facts]));
  const lines: AlteredLine[] = [];
  for (const facts of newest.values()) {
    const { domain, eventKey, messageId = null } = facts as { domain: string; eventKey: string; messageId?: string };
    const [stored, listed] = [factsIn(facts.stored), factsIn(facts.listed)];
    lines.push({
      event: 'altered-event',
      domain,
      messageId,
      eventKey,
      wasDistrusted: facts.wasDistrusted === true,
      differs: differingFacts(stored, listed).map((fact) => ({
        fact,
        stored: stored[fact] ?? null,
        listed: listed[fact] ?? null,
      })),
      ...(await standing(deployment, messageId, eventKey, listed)),
    });
  }
  return lines;
}

/** Returns no facts where a log line is damaged: the event is named all the same. */
function factsIn(text: unknown): NamedFacts {
  try {
    return JSON.parse(String(text)) as NamedFacts;
  } catch {
    return {};
  }
}

/** Looks the event up, since no log names a recipient. */
async function standing(
  deployment: Deployment,
  messageId: string | null,
  eventKey: string,
  listed: NamedFacts,
): Promise<Pick<AlteredLine, 'recipient' | 'isPutRight' | 'why'>> {
  const unknown = { recipient: null, isPutRight: false };
  if (messageId === null) return { ...unknown, why: null };
  const history = await readHistory(deployment, messageId);
  const found = history.find(({ events }) => events.some((event) => event.eventKey === eventKey));
  if (found === undefined) return { ...unknown, why: printedCommand(deployment, 'why', messageId) ?? null };
  const now = found.events.find((event) => event.eventKey === eventKey);
  const isPutRight =
    now?.event !== undefined &&
    now.distrustedAtMs === undefined &&
    differingFacts(namedFacts(parseEvent(now.event), now.atMs), listed).length === 0;
  const { recipient } = found;
  return { recipient, isPutRight, why: printedCommand(deployment, 'why', messageId, recipient) ?? null };
}

/** Returns what differs, in words, and what to type. */
export function alteredText({
  domain,
  messageId,
  recipient,
  eventKey,
  wasDistrusted,
  differs,
  isPutRight,
  why,
}: AlteredLine): string[] {
  const what = differs.map(({ fact, stored, listed }) => `${fact} ${stored ?? 'none'}, at Mailgun ${listed ?? 'none'}`);
  const place = [domain, nameInEventKey(eventKey), recipient ?? 'unknown recipient', messageId ?? 'no message id'];
  const found = wasDistrusted
    ? 'distrusted, then listed by Mailgun, so it counts again'
    : `altered: ${what.join('; ')}`;
  return [
    `${place.map(plain).join('  ')}  ${found}`,
    `  ${isPutRight ? 'put right by now' : 'not put right yet'}${why === null ? '' : `; its history: ${why}`}`,
  ];
}
