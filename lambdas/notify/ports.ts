import type { ReceiverState } from '../domain/publishing/receiver-state.ts';

// What notifying needs from outside.

export interface NoticePoster {
  /** Posts JSON and returns the status. Throws where there is no response in time. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<{ status: number }>;
}

export interface ReceiverStateReader {
  /** Returns the state of a receiver, read strongly. */
  read(receiver: string): Promise<ReceiverState>;
}
