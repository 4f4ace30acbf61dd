import type { StoredKey } from '../domain/events/day-index.ts';
import type { DeliveryName } from '../domain/publishing/delivery.ts';
import type {
  DatedEvent,
  PublishedDetail,
  PublishedEvent,
  StatusRow,
  SuppressionRow,
} from '../domain/publishing/published.ts';

// Ports of publish.

/**
 * `refused`: rejected because of its content, so a retry is pointless; `failed`: not published; `no-reply`: unknown.
 */
export interface Unpublished {
  kind: 'refused' | 'failed' | 'no-reply';
  reason: string;
}

export interface EventBus {
  /** Puts up to ten events; returns for each, in their order, why it was not published, or undefined. Throws if the bus does not reply. */
  put(events: readonly DatedEvent[]): Promise<(Unpublished | undefined)[]>;
}

export interface PublishFailures {
  /** Keeps a complete event that could not be published, for inspection. */
  keep(event: PublishedEvent, reason: string): Promise<void>;
}

/** Key of a status. */
interface StatusKey {
  partition: string;
  sort: string;
}

export interface PublishableRows {
  /** Returns the existing statuses of up to a hundred distinct keys, read consistently. */
  statuses(keys: readonly StatusKey[]): Promise<StatusRow[]>;
  /** Returns every suppression of a recipient, by the recipient's key. */
  suppressions(recipientKey: string): Promise<SuppressionRow[]>;
}

export interface PublishableKeys {
  /** Yields the keys of a domain's events from one time to another, both included (epoch milliseconds), ascending by time. */
  stored(domain: string, fromMs: number, toMs: number): AsyncIterable<StoredKey>;
}

/** An event that a receiver will be sent, as it is noted before it is published. */
export interface PublishedDelivery {
  delivery: DeliveryName;
  detailType: string;
  detail: Omit<PublishedDetail, 'recipient'>;
}

export interface PublishedDeliveries {
  /** Notes deliveries, so that each is accounted for by name; those noted already stay as they are. Throws unless all are noted. */
  note(deliveries: readonly PublishedDelivery[]): Promise<void>;
}
