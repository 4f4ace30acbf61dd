import { setTimeout as sleep } from 'node:timers/promises';
import { AWS_CLIENT_CONFIG } from '../../../lambdas/runtime/aws-client.ts';

/** Retries of a read of a busy API; what is busy still is broken. */
export const MAX_RETRIES = 20;

/**
 * Sends a request again while the API is busy: on a busy machine a call of a function may exceed its second. Returns the
 * 503 where it stays so.
 */
export async function whileBusy<Reply extends { readonly status: number; readonly headers: Headers }>(
  send: () => Promise<Reply>,
  pause: (ms: number) => Promise<unknown> = sleep,
): Promise<Reply> {
  for (let retries = 0; ; retries += 1) {
    const reply = await send();
    if (reply.status !== 503 || retries === MAX_RETRIES) return reply;
    await pause(1000 * Number(reply.headers.get('retry-after') ?? 1));
  }
}

/**
 * An engine that shares a busy machine with many others may take seconds, where AWS takes milliseconds. All attempts
 * together are over before a test's time is.
 */
const PATIENCE_MS = 30_000;

/** Returns the settings of a client that gives a call up after this time. */
export const patientConfig = (maxMs = PATIENCE_MS) => ({
  ...AWS_CLIENT_CONFIG,
  requestHandler: {
    ...AWS_CLIENT_CONFIG.requestHandler,
    connectionTimeout: maxMs,
    requestTimeout: maxMs,
    socketTimeout: maxMs,
  },
});
