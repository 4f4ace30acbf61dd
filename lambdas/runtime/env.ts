import { ACCOUNT_DOMAINS } from '../contract.ts';

/** The environment that Lambda or a test passes in. */
export type EnvSource = Readonly<Record<string, string | undefined>>;

/** Returns the variable's value. Throws an error that names it if it is missing or empty. */
export function requireEnv(source: EnvSource, name: string): string {
  const value = source[name];
  if (value === undefined || value === '') throw new Error(`environment variable ${name} is not set`);
  return value;
}

/** Returns the parts of a comma-separated list, trimmed; an empty list if the variable is missing. */
export function listEnv(source: EnvSource, name: string): string[] {
  return (source[name] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Returns the domains that the variable DOMAINS lists, or `account`, which means all that Mailgun lists. */
export function domainsEnv<T>(source: EnvSource, read: (text: string) => T): readonly T[] | 'account' {
  return source.DOMAINS === ACCOUNT_DOMAINS ? ACCOUNT_DOMAINS : listEnv(source, 'DOMAINS').map(read);
}

/** Returns a positive whole number. Throws an error that names the variable and its value otherwise. */
export function wholeNumberEnv(source: EnvSource, name: string): number {
  const text = requireEnv(source, name);
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new Error(`environment variable ${name} must be a whole number above 0, not "${text}"`);
  }
  return value;
}
