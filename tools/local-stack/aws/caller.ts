const PREFIX = 'local';

/** The access key id a function gets, which says who calls. In hex: DynamoDB Local takes letters and digits only. */
export function accessKeyIdOf(functionName: string): string {
  return PREFIX + Buffer.from(functionName).toString('hex');
}

/** The function that signed a request; `other` for any other caller. */
export function callerOf(authorization: string | undefined): string {
  const [, hex] = new RegExp(`Credential=${PREFIX}([0-9a-f]+)/`).exec(authorization ?? '') ?? [];
  return hex === undefined ? 'other' : Buffer.from(hex, 'hex').toString('utf8');
}
