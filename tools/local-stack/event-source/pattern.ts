import { isRecord } from '../template/template.ts';

/** An event pattern in event source filters and bus rules: parsed JSON. */
export type Pattern = Readonly<Record<string, unknown>>;

/** Supported conditions by name; an object in a pattern holds one. */
const CONDITIONS: Readonly<Record<string, (argument: unknown, value: unknown) => boolean>> = {
  exists: (wanted, value) => (value !== undefined) === wanted,
  prefix: (prefix, value) => typeof value === 'string' && value.startsWith(String(prefix)),
  suffix: (suffix, value) => typeof value === 'string' && value.endsWith(String(suffix)),
  'anything-but': (others, value) => value !== undefined && ![others].flat().includes(value),
};

/** Returns true if every field of the pattern matches the event by one of its alternatives. */
export function matches(pattern: Pattern, event: unknown): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    const value = isRecord(event) ? event[name] : undefined;
    if (!Array.isArray(wanted)) return matches(wanted as Pattern, value);
    const values = Array.isArray(value) ? value : [value];
    return wanted.some((alternative) => values.some((each) => meets(alternative, each)));
  });
}

/** Throws for a pattern with an unsupported condition, which might match differently on AWS. */
export function requireKnownPattern(pattern: unknown, where: string): asserts pattern is Pattern {
  if (!isRecord(pattern)) throw new Error(`${where}: a pattern is an object`);
  for (const [name, wanted] of Object.entries(pattern)) {
    if (!Array.isArray(wanted)) requireKnownPattern(wanted, `${where}.${name}`);
    else for (const alternative of wanted) requireKnownAlternative(alternative, `${where}.${name}`);
  }
}

function requireKnownAlternative(alternative: unknown, where: string): void {
  if (!isRecord(alternative)) return;
  const [condition = '', ...others] = Object.keys(alternative);
  const isKnown = condition in CONDITIONS && others.length === 0;
  if (!isKnown) throw new Error(`the local stack does not know the pattern ${JSON.stringify(alternative)} (${where})`);
}

function meets(alternative: unknown, value: unknown): boolean {
  if (!isRecord(alternative)) return alternative === value;
  const [[condition = '', argument] = []] = Object.entries(alternative);
  return CONDITIONS[condition]?.(argument, value) ?? false;
}
