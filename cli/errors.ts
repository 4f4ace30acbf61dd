/** The typed command cannot be done; the message is one sentence for the person who typed it. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The stack, or a service of it, cannot be reached. */
export class TargetUnavailableError extends Error {
  override name = 'TargetUnavailableError';
}

/** A secret could not be read or written, so nothing is known of what it holds. */
export class SecretOutOfReachError extends TargetUnavailableError {
  override name = 'SecretOutOfReachError';
}

/** A secret holds no JSON object, so nothing in it can be kept. */
export class UnreadableSecretError extends TargetUnavailableError {
  override name = 'UnreadableSecretError';
  /** The fault, without the fix. */
  readonly problem: string;
  /** The command that replaces it. */
  readonly fix: string;

  constructor(problem: string, fix: string) {
    super(`${problem}; fix: ${fix}`);
    this.problem = problem;
    this.fix = fix;
  }
}

/** The environment has not been deployed. */
export class StackNotFoundError extends TargetUnavailableError {
  override name = 'StackNotFoundError';
}

/** Mailgun limits the rate, or fails for the moment: the same request may succeed later. */
export class MailgunBusyError extends TargetUnavailableError {
  override name = 'MailgunBusyError';
}

/** Mailgun refused a request by 429, unseen. */
export class RateLimitedError extends MailgunBusyError {
  override readonly name = 'RateLimitedError';
  /** Of the response: they say when to come again. */
  readonly headers: Headers;

  constructor(message: string, headers: Headers) {
    super(message);
    this.headers = headers;
  }
}
