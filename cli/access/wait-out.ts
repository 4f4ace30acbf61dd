import { waitAskedFor } from '../../lambdas/adapters/mailgun/mailgun-client.ts';
import type { CliContext } from '../command.ts';
import { RateLimitedError } from '../errors.ts';
import { counted } from '../output.ts';
import type { MailgunRequest } from './mailgun-access.ts';

/** How long a command waits for Mailgun at most, all its requests together. */
const MAX_WAITED_MS = 5 * 60_000;
const MIN_WAIT_MS = 1000;

/**
 * Returns a request that waits as long as Mailgun asks for by a 429, and is then sent again; a 429 has done nothing. Once
 * the command has waited for five minutes it throws the RateLimitedError.
 */
export function waitingOut(
  { sleep, now, printError }: Pick<CliContext, 'sleep' | 'now' | 'printError'>,
  ask: MailgunRequest,
): MailgunRequest {
  let leftMs = MAX_WAITED_MS;
  return async (...request) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask(...request);
      } catch (error) {
        if (!(error instanceof RateLimitedError)) throw error;
        const askedMs = waitAskedFor(error.headers, now()) ?? MIN_WAIT_MS * 2 ** attempt;
        const waitMs = Math.max(MIN_WAIT_MS, askedMs);
        if (waitMs > leftMs) throw error;
        leftMs -= waitMs;
        printError(`Mailgun limits its requests: waiting for ${counted(Math.ceil(waitMs / 1000), 'second')}`);
        await sleep(waitMs);
      }
    }
  };
}
