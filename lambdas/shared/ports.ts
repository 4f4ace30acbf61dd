import type { ReceiverState } from '../domain/publishing/receiver-state.ts';

/** An item that one holder has at a time. */
export interface Lease {
  /** Acquires or renews the lease until a time (epoch milliseconds); false while another run holds it. */
  hold(holder: string, nowMs: number, untilMs: number): Promise<boolean>;
  release(holder: string): Promise<void>;
}

/** The markers of erased recipients. */
export interface ErasureMarkers {
  /** Returns those of the addresses that are erased, read strongly. */
  among(addresses: readonly string[]): Promise<string[]>;
}

export interface ReceiverStateReader {
  /** Returns the state of a receiver, read strongly. */
  read(receiver: string): Promise<ReceiverState>;
}
