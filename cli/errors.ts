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

/** The read API takes JWTs, which this command line does not have. */
export class TokenRefusedError extends TargetUnavailableError {
  override name = 'TokenRefusedError';
}

/** The operator has ended a command that only reads. */
export class InterruptedError extends TargetUnavailableError {
  override name = 'InterruptedError';

  constructor() {
    super('interrupted before all was read; to read all, run the same command again');
  }
}

/** The environment has not been deployed. */
export class StackNotFoundError extends TargetUnavailableError {
  override name = 'StackNotFoundError';
}

/** Mailgun has no such domain in the region that is configured, and will not have it later. */
export class DomainNotFoundError extends TargetUnavailableError {
  override name = 'DomainNotFoundError';
}

/** Mailgun limits the rate, or fails for the moment: the same request may succeed later. */
export class MailgunBusyError extends TargetUnavailableError {
  override name = 'MailgunBusyError';
}

/** Mailgun refused a request by 429, unseen. */
export class RateLimitedError extends MailgunBusyError {
  override readonly name = 'RateLimitedError';
  /** Headers of the response, with the time to retry. */
  readonly headers: Headers;

  constructor(message: string, headers: Headers) {
    super(message);
    this.headers = headers;
  }
}

/** Error names of the SDK and of AWS for expired credentials. */
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'];
const INVALID = [
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
];
const DENIED = ['AccessDenied', 'AccessDeniedException', 'AuthorizationError', 'AuthorizationErrorException'];

/** AWS takes requests signed within five minutes of its own time. */
const CLOCK = /RequestTimeTooSkewed|Signature (expired|not yet current)/;
const NETWORK = ['ENOTFOUND', 'ECONNREFUSED'];

const LOG_IN = 'run aws sso login or aws configure, or name a profile in AWS_PROFILE';

/** Returns one sentence for an error of AWS or its SDK; undefined for any other error. */
export function awsSentence(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (name === 'CredentialsProviderError') return `there are no AWS credentials: ${LOG_IN}`;
  if (EXPIRED.includes(name) || /\btoken\b.*\bexpired\b/i.test(message)) {
    return `the AWS credentials have expired: ${LOG_IN}`;
  }
  if (CLOCK.test(`${name} ${message}`)) return `AWS refuses the clock of this machine, so set it: ${message}`;
  if (INVALID.includes(name)) return `AWS does not know these credentials (${name}): ${LOG_IN}`;
  if (DENIED.includes(name)) return `AWS refuses: ${message}`;
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: unknown };
  // The SDK notes its attempts in every error; without a status no response came.
  const isSilent = $metadata !== undefined && $metadata.httpStatusCode === undefined;
  if (NETWORK.includes(String(code)) || (isSilent && (name === 'TimeoutError' || code !== undefined))) {
    return `AWS cannot be reached: ${message}`;
  }
  if ($metadata !== undefined) return `AWS returned ${name}: ${message}`;
  return undefined;
}

/** What is wrong with a file or folder, and what to do, by the code of the error. */
const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is none at this path; check it',
  EISDIR: 'it is a folder; name a file',
  ENOTDIR: 'it is a file, or lies under one; name a folder',
  EACCES: 'your user may not; change its permissions',
  EPERM: 'your user may not; change its permissions',
};

/** What is wrong with the disk, which another name would not mend. */
const DISK_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room, then go on',
  EDQUOT: 'your quota of the disk is used up; make room, then go on',
  EFBIG: 'it would be larger than a file may be here',
  EIO: 'the disk fails',
};

/**
 * Runs what reads or writes a file or folder that was named. Where it cannot, throws what to do: a UsageError, or a
 * TargetUnavailableError where the disk is at fault.
 */
export async function usingFile<T>(what: string, use: () => T | Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (cause) {
    throw fileError(what, cause as NodeJS.ErrnoException);
  }
}

/** Returns an error of a file or the disk as a sentence; any other as it is. */
export function fileError(what: string, cause: NodeJS.ErrnoException): Error {
  const { code = '', syscall } = cause;
  if (syscall === undefined) return cause;
  const fault = DISK_FAULTS[code];
  if (fault !== undefined) return new TargetUnavailableError(`${what}: ${fault}`, { cause });
  return new UsageError(`${what}: ${FILE_FAULTS[code] ?? code}`, { cause });
}

/** Returns in a sentence why the target, or something in it, is unavailable; undefined for any other error. */
export function whyUnavailable(error: unknown): string | undefined {
  return error instanceof TargetUnavailableError ? error.message : awsSentence(error);
}

/** Returns true if the requested stack does not exist. */
export function isStackNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message);
}
