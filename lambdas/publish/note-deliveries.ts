import type { JsonObject } from '../domain/json.ts';
import type { DatedEvent } from '../domain/publishing/published.ts';
import { matchesFilter, type ReceiverFilter } from '../domain/publishing/receiver-filter.ts';
import type { EventBus, PublishedDeliveries, PublishedDelivery } from './ports.ts';

/** A receiver as publishing needs to know it. */
interface NotedReceiver {
  name: string;
  filter: ReceiverFilter;
}

/**
 * Returns a bus that notes for every receiver what it is about to publish. The note comes first: an event that reaches
 * no queue, for whatever reason, is then unaccounted for by name.
 */
export function createNotedBus(
  bus: EventBus,
  notes: PublishedDeliveries,
  receivers: readonly NotedReceiver[],
): EventBus {
  return {
    async put(events) {
      await notes.note(events.flatMap((event) => receivers.flatMap((receiver) => noteOf(event, receiver))));
      return bus.put(events);
    },
  };
}

function noteOf(event: DatedEvent, receiver: NotedReceiver): PublishedDelivery[] {
  const { detailType, changedAtMs } = event;
  if (!matchesFilter(receiver.filter, { detailType, detail: event.detail as JsonObject })) return [];
  // The log names no recipient, so that an erasure has nothing to look for in it.
  const { recipient: _, ...detail } = event.detail;
  const publishedAt = Math.floor(changedAtMs / 1000);
  return [{ delivery: { receiver: receiver.name, publishedAt, id: event.detail.id }, detailType, detail }];
}

/** Returns the receivers in the JSON of an environment variable. */
export function parseNotedReceivers(text: string): NotedReceiver[] {
  return JSON.parse(text) as NotedReceiver[];
}
