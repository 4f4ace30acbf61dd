/** The environment as Lambda (or a test) hands it over. */
export type EnvSource = Readonly<Record<string, string | undefined>>;

/** The variable's value; an error that names it where it is missing or empty. */
export function requireEnv(source: EnvSource, name: string): string {
  const value = source[name];
  if (value === undefined || value === '') throw new Error(`environment variable ${name} is not set`);
  return value;
}

/** A comma-separated list without blanks; empty where the variable is missing. */
export function listEnv(source: EnvSource, name: string): string[] {
  return (source[name] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** A positive whole number; an error that names the variable and its value otherwise. */
export function wholeNumberEnv(source: EnvSource, name: string): number {
  const text = requireEnv(source, name);
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new Error(`environment variable ${name} must be a whole number above 0, not "${text}"`);
  }
  return value;
}
