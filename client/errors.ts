interface Details {
  readonly status?: number | undefined;
  readonly parameter?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** A response that is not 200, or none at all. */
export class LedgerApiError extends Error {
  override readonly name = 'LedgerApiError';
  /** `unauthorized`, `unknown-message`, `bad-parameter`, `throttled`, `unavailable`, `unreachable` … */
  readonly reason: string;
  /** The status of the response; undefined without a response. */
  readonly status: number | undefined;
  /** Name of the parameter for `bad-parameter`; the message explains what is valid. */
  readonly parameter: string | undefined;
  /** Seconds to wait before the next request, by `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(reason: string, message: string, { cause, ...details }: Details = {}) {
    super(message, { cause });
    this.reason = reason;
    this.status = details.status;
    this.parameter = details.parameter;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}
