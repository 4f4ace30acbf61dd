const PREFIX = 'local';

/**
 * Returns the access key id given to a function, which identifies the caller. Hex, because DynamoDB Local accepts only
 * letters and digits.
 */
export function accessKeyIdOf(functionName: string): string {
  return PREFIX + Buffer.from(functionName).toString('hex');
}

/** Returns the function that signed a request; `other` for any other caller. */
export function callerOf(authorization: string | undefined): string {
  const [, hex] = new RegExp(`Credential=${PREFIX}([0-9a-f]+)/`).exec(authorization ?? '') ?? [];
  return hex === undefined ? 'other' : Buffer.from(hex, 'hex').toString('utf8');
}
