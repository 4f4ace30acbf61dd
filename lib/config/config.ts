import { z } from 'zod';
import {
  CLAIM_MARGIN_SECONDS,
  MAILGUN_RETRY_HORIZON_SECONDS,
  SIGNATURE_WINDOW_SECONDS,
} from '../../lambdas/contract.ts';
import { brokenRules, type RuleContext } from './config-rules.ts';
import { type EnvironmentConfig, environmentSchema } from './config-schema.ts';
import { heldElsewhere } from './environment-size.ts';
import { metadataOf, unwrap } from './field.ts';

/** Everything that a ledger is built from, validated. */
export interface Config extends Omit<EnvironmentConfig, keyof typeof STACK_KEYS> {
  /** Domains of other environments of cdk.json, as passed to functions; absent for a construct in another app. */
  readonly heldElsewhere?: string;
}

/** The same, and the stack of an environment of cdk.json. */
export interface StackConfig extends EnvironmentConfig {
  /** dev, staging, prod … */
  readonly name: string;
  readonly heldElsewhere: string;
}

/** Settings that belong to the app's stack, where a ledger is a construct in it. */
const STACK_KEYS = { account: true, region: true, tags: true, bootstrapQualifier: true } as const;

const ledgerSchema = environmentSchema.omit(STACK_KEYS);

/** The configuration of a ledger as people write it: defaults may be left out. */
export type ConfigInput = z.input<typeof ledgerSchema>;

/** The context that the command line and cdk.json provide. */
export interface ConfigSource {
  readonly environments: unknown;
  readonly env: unknown;
  /** Part of an environment, as object or JSON text, laid over the chosen one. */
  readonly overlay?: unknown;
  /** The account of the credentials in use, where there are any. */
  readonly currentAccount?: string | undefined;
}

/** CloudFormation takes these characters in a stack's name; the names of roles and buckets need the room. */
const ENVIRONMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/;

/** Not configurable, but checked by the same rules. */
const SIGNATURE = {
  windowSeconds: SIGNATURE_WINDOW_SECONDS,
  retryHorizonSeconds: MAILGUN_RETRY_HORIZON_SECONDS,
  claimMarginSeconds: CLAIM_MARGIN_SECONDS,
};

/** Holds every mistake, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** Returns the chosen environment with defaults filled in; throws a ConfigError with all mistakes. */
export function parseConfig(source: ConfigSource): StackConfig {
  const { name, environment } = chooseEnvironment(source);
  const overlay = parseOverlay(source.overlay);
  const compressed = overlay !== undefined && name !== 'prod';
  const context = { name, currentAccount: source.currentAccount, compressed };
  const config = parseWhole(environmentSchema, merge(environment, overlay), context);
  return { ...config, name, heldElsewhere: heldElsewhere(config, source.environments, name) };
}

/** Returns what a construct was given with defaults filled in; throws a ConfigError with all mistakes under its path. */
export function parseInput(path: string, input: unknown): Config {
  return parseWhole(ledgerSchema, input, { name: path, currentAccount: undefined, compressed: false });
}

function parseWhole<Schema extends z.ZodObject>(
  schema: Schema,
  input: unknown,
  context: Omit<RuleContext, 'signature'>,
): z.output<Schema> {
  const { name } = context;
  if (!isObject(input)) throw new ConfigError([`${name}: got ${show(input)}; must be an object`]);
  const { valid, issues } = parseEachKey(schema, input);
  const lines = issues.flatMap((issue) => describe(issue, schema, name, input));
  lines.push(...brokenRules(valid, { ...context, signature: SIGNATURE }));
  if (lines.length > 0) throw new ConfigError(lines);
  return valid as z.output<Schema>;
}

function chooseEnvironment({ environments, env }: ConfigSource): { name: string; environment: unknown } {
  if (!isObject(environments)) {
    throw new ConfigError([`environments: got ${show(environments)}; must be an object in the context of cdk.json`]);
  }
  const names = Object.keys(environments).join('|');
  if (env === undefined || env === '') throw new ConfigError([`env: is missing; choose one by -c env=${names}`]);
  if (typeof env !== 'string' || !Object.hasOwn(environments, env)) {
    throw new ConfigError([`env: got ${show(env)}; must be one of ${names}`]);
  }
  if (!ENVIRONMENT_NAME.test(env)) {
    throw new ConfigError([
      `env: got ${show(env)}; must be 1 to 32 letters, digits and "-", as part of the name of a stack`,
    ]);
  }
  return { name: env, environment: environments[env] };
}

function parseOverlay(overlay: unknown): unknown {
  if (typeof overlay !== 'string') return overlay;
  try {
    return JSON.parse(overlay);
  } catch {
    throw new ConfigError([`overlay: got ${show(overlay)}; must be JSON`]);
  }
}

/** Merges objects key by key; replaces everything else, lists included. */
function merge(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isObject(base) || !isObject(over)) return over;
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(base[key], value);
  return merged;
}

/** Parses key by key, so that a mistake in one does not hide what the rules find in the others. */
function parseEachKey({ shape }: z.ZodObject, input: Record<string, unknown>) {
  const valid: Record<string, unknown> = {};
  const issues: z.core.$ZodIssue[] = [];
  const unknown = Object.keys(input).filter((key) => !Object.hasOwn(shape, key));
  if (unknown.length > 0) issues.push({ code: 'unrecognized_keys', keys: unknown, path: [], message: '' });
  for (const [key, schema] of Object.entries(shape as Record<string, z.ZodType>)) {
    const parsed = schema.safeParse(input[key]);
    if (parsed.success) valid[key] = parsed.data;
    else
      issues.push(
        ...parsed.error.issues.flatMap(ofFirstAlternative).map((issue) => ({ ...issue, path: [key, ...issue.path] })),
      );
  }
  return { valid: valid as Partial<EnvironmentConfig>, issues };
}

/** Reports a value's mistakes against the first alternative if it fits that, else against all. */
function ofFirstAlternative(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  return issue.code === 'invalid_union' ? (issue.errors[0] ?? []) : [issue];
}

function describe(issue: z.core.$ZodIssue, root: z.ZodType, name: string, input: unknown): string | string[] {
  const path = name + issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  const { constraint, keys } = lookUp(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${path}.${key}: is not a key; valid keys: ${keys}`);
  }
  if (issue.code === 'custom' && issue.message !== 'Invalid input') return `${path}: ${issue.message}`;
  const value = issue.path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown>)?.[part], input);
  if (value === undefined) return `${path}: is missing; must be ${constraint}`;
  return `${path}: got ${show(value)}; must be ${constraint}`;
}

/** Returns the metadata of the key at a path of the schema. */
function lookUp(root: z.ZodType, path: PropertyKey[]) {
  let schema = root;
  let constraint: string | undefined;
  for (const part of path) {
    const within = unwrap(schema);
    const elementConstraint = metadataOf(schema)?.elementConstraint;
    if (within instanceof z.ZodObject) schema = within.shape[part as string];
    else if (within instanceof z.ZodArray) schema = within.element as z.ZodType;
    else if (within instanceof z.ZodRecord) schema = within.valueType as z.ZodType;
    const metadata = metadataOf(schema);
    constraint = metadata?.constraint ?? elementConstraint;
  }
  const object = unwrap(schema);
  const keys = object instanceof z.ZodObject ? Object.keys(object.shape).join(', ') : '';
  return { constraint: constraint ?? `an object of ${keys}`, keys };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
