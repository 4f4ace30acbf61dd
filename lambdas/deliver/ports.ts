import type { Delivery, DeliveryName, QueuedEvent } from '../domain/publishing/delivery.ts';
import type { ReceiverState } from '../domain/publishing/receiver-state.ts';

// Ports of deliver.

/** A receiver as the configuration has it. */
export interface Receiver {
  name: string;
  url: string;
  /** True if it may get addresses. */
  recipients: boolean;
}

export interface ReceiverResponse {
  status: number;
  retryAfter: string | undefined;
  /** The beginning of the body. */
  text: string;
}

export interface ReceiverClient {
  /** Returns the response, whatever its status. Throws if it does not arrive in time, or the address is forbidden. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<ReceiverResponse>;
}

export interface DeliveryLog {
  /** Returns the logged delivery, read consistently; undefined if there is none. */
  read(name: DeliveryName): Promise<Delivery | undefined>;
  /**
   * Writes a delivery over its previous version, with the beginning of the last response if it failed. Returns false if
   * another version is stored by now.
   */
  write(name: DeliveryName, delivery: Delivery, event: QueuedEvent, responseText?: string): Promise<boolean>;
}

export interface ReceiverStates {
  /** Returns the state of a receiver, read strongly; empty where there is nothing to say. */
  read(receiver: string): Promise<ReceiverState>;
  /** Replaces a state. Returns false if it has changed since it was read. */
  replace(receiver: string, before: ReceiverState, after: ReceiverState): Promise<boolean>;
}

export interface ReceiverQueue {
  /** Hides a received message for this long, at most twelve hours since it was received. */
  changeVisibility(receiptHandle: string, seconds: number): Promise<void>;
  /** Sends a body to the queue, where it shows after a time, of at most 15 minutes. */
  send(body: string, delaySeconds: number): Promise<void>;
  /** Sends a body to the receiver's DLQ. */
  sendToDlq(body: string, reason: string): Promise<void>;
}
