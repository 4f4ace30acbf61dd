import type { ReceiverState } from '../domain/publishing/receiver-state.ts';

// Ports of notify.

export interface NoticePoster {
  /** Posts JSON and returns the status. Throws if no response arrives in time. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<{ status: number }>;
}

export interface ReceiverStateReader {
  /** Returns the state of a receiver, read strongly. */
  read(receiver: string): Promise<ReceiverState>;
}
