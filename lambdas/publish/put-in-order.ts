import type { DatedEvent } from '../domain/publishing/published.ts';
import type { EventBus, Unpublished } from './ports.ts';

export interface PutDeps {
  bus: EventBus;
  sleep: (ms: number) => Promise<void>;
}

/** EventBridge's maximum per call. */
export const MAX_EVENTS_PER_PUT = 10;
const ROUNDS = 3;
const FIRST_WAIT_MS = 100;

/**
 * Offers up to ten events; what the bus leaves behind is offered again a few times. Returns for each why it is not on
 * the bus. Whatever is offered again takes later events of its subject along, so that the last one stays the last.
 */
export async function putInOrder(
  { bus, sleep }: PutDeps,
  events: readonly DatedEvent[],
): Promise<(Unpublished | undefined)[]> {
  const outcomes: (Unpublished | undefined)[] = events.map(() => undefined);
  let open = events.map((_, index) => index);
  for (let round = 0; round < ROUNDS && open.length > 0; round += 1) {
    if (round > 0) await sleep(FIRST_WAIT_MS * 2 ** round);
    const results = await offer(
      bus,
      open.map((index) => events[index] as DatedEvent),
    );
    for (const [nth, index] of open.entries()) outcomes[index] = results[nth];
    // The client has tried that several times already.
    if (results[0]?.kind === 'no-reply') break;
    open = open.filter((index, nth) => {
      const { subject } = (events[index] as DatedEvent).detail;
      const upToIt = open.slice(0, nth + 1).filter((other) => events[other]?.detail.subject === subject);
      return outcomes[index]?.kind !== 'refused' && upToIt.some((other) => outcomes[other]?.kind === 'failed');
    });
  }
  return outcomes;
}

/** Calls the bus once; if it does not respond, it may still have accepted the events. */
async function offer(bus: EventBus, events: readonly DatedEvent[]): Promise<(Unpublished | undefined)[]> {
  try {
    return await bus.put(events);
  } catch (error) {
    const reason = error instanceof Error ? error.name : 'unknown';
    return events.map(() => ({ kind: 'no-reply', reason }));
  }
}
