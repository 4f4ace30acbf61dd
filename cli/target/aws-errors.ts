/** Names under which the SDK and AWS say that the credentials are no longer good. */
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'];
const INVALID = [
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
];
const DENIED = ['AccessDenied', 'AccessDeniedException', 'AuthorizationError', 'AuthorizationErrorException'];

const LOG_IN = 'run aws sso login or aws configure, or name a profile in AWS_PROFILE';

/** One sentence for what AWS or its SDK threw; undefined for an error of another kind. */
export function awsSentence(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  if (name === 'CredentialsProviderError') return `there are no AWS credentials: ${LOG_IN}`;
  if (EXPIRED.includes(name) || /\btoken\b.*\bexpired\b/i.test(message)) {
    return `the AWS credentials have expired: ${LOG_IN}`;
  }
  if (INVALID.includes(name)) return `AWS does not know these credentials (${name}): ${LOG_IN}`;
  if (DENIED.includes(name)) return `AWS refuses: ${message}`;
  if ('$metadata' in error) return `AWS answered ${name}: ${message}`;
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOTFOUND' || code === 'ECONNREFUSED') return `AWS cannot be reached: ${message}`;
  return undefined;
}

/** Returns whether the stack that was asked for is not there. */
export function isStackNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message);
}
