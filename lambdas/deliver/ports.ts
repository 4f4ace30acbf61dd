import type { Delivery, DeliveryName, QueuedEvent } from '../domain/publishing/delivery.ts';
import type { ReceiverState } from '../domain/publishing/receiver-state.ts';

// What delivering needs from outside.

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
  /** Returns the response, whatever its status. Throws where there is none in time, or the address is forbidden. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<ReceiverResponse>;
}

export interface DeliveryLog {
  /** Returns what is known of a delivery, read strongly. */
  read(name: DeliveryName): Promise<Delivery | undefined>;
  /**
   * Writes a delivery over the version before it, with the beginning of the last response where it failed. Returns
   * false where another version is there by now.
   */
  write(name: DeliveryName, delivery: Delivery, event: QueuedEvent, responseText?: string): Promise<boolean>;
}

export interface ReceiverStates {
  /** Returns the state of a receiver, read strongly; empty where there is nothing to say. */
  read(receiver: string): Promise<ReceiverState>;
  /** Replaces a state. Returns false where it is no longer the one that was read. */
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

/** The markers of erased recipients. */
export interface ErasureMarkers {
  /** Returns those of the addresses that are erased, read strongly. */
  among(addresses: readonly string[]): Promise<string[]>;
}
