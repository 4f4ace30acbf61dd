import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { environmentSchema, knobOf, unwrap } from './config-schema.ts';

// Writes docs/generated/configuration.md (`npm run docs`); with --check it only tells whether the page is stale.

const PAGE = join(import.meta.dirname, '../../docs/generated/configuration.md');

const INTRODUCTION = `# Configuration

Written by \`npm run docs\` from \`lib/config/config-schema.ts\`; a test fails when it is stale.

Everything that is chosen at deploy time stands in \`cdk.json\`, in \`context.environments.<name>\`; \`-c env=<name>\` picks one of them.
Synth fails on any mistake and reports all of them at once, one line each: where, what was found, what would be right.
\`-c overlay='<JSON>'\` lays part of an environment over the chosen one, for that run only: objects are merged, lists replaced.

| Key | Must be | Default | Meaning | Example |
|---|---|---|---|---|
`;

const RULES = `
## Rules across keys

- \`account\` is the account of the credentials in use, where both are known.
- \`prod\` names its account, protects its data, and names no example domain (RFC 2606), not even in an address or an origin.
- A certificate is of the stack's region; the two APIs have different host names.
- From \`processing\` follow: visibility = 6 x timeout + batching window; receive count = outage / visibility, at most 1000;
  queue retention = two days more than the longest stay of a failing message; dead letters keep for 14 days, which is longer.
- The outage survived is at least 9 hours. Only an overlay may go below, and never in \`prod\`: the local stack compresses time.
- Mailgun indexes late: \`settleSeconds\` is at least 1800, and runs are whole minutes apart, outside the local stack.
- The second pass (half the retention, at most 24 h), a slice and the settle time together are shorter than the retention.
- A slice divides the hour. \`mailgunUrl\` comes from an overlay alone.
`;

interface Row {
  readonly key: string;
  readonly standard: string;
  readonly schema: z.ZodType;
}

/** The page as it should be. */
export function configurationPage(): string {
  const lines = documentedKeys().map(({ key, standard, schema }) => {
    const { right, means, example } = knobOf(schema)!;
    const cells = [code(key), right, standard, means, example === undefined ? standard : code(json(example))];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `${INTRODUCTION}${lines.join('\n')}\n${RULES}`;
}

/** Every key, each with what a person needs to know of it. */
export const documentedKeys = (): Row[] => rowsOf(environmentSchema, '', true);

function rowsOf(schema: z.ZodType, key: string, required: boolean): Row[] {
  const own = knobOf(schema) ? [{ key, standard: standardOf(schema, required), schema }] : [];
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return [...own, ...rowsOf(inner.element as z.ZodType, `${key}[]`, required)];
  if (!(inner instanceof z.ZodObject)) return own;
  const prefix = key === '' ? '' : `${key}.`;
  const children = Object.entries(inner.shape as Record<string, z.ZodType>);
  const childrenRequired = required && !(schema instanceof z.ZodOptional);
  return [...own, ...children.flatMap(([name, child]) => rowsOf(child, prefix + name, childrenRequired))];
}

function standardOf(schema: z.ZodType, required: boolean): string {
  if (schema instanceof z.ZodDefault) return code(json(schema.def.defaultValue));
  if (schema instanceof z.ZodOptional) return 'none';
  return required ? '**required**' : 'required in its group';
}

const json = (value: unknown) => JSON.stringify(value);
const code = (text: string) => `\`${text}\``;

if (import.meta.main) {
  const page = configurationPage();
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
  else if (readFileSync(PAGE, 'utf8') !== page) {
    console.error('docs/generated/configuration.md is stale: run `npm run docs`');
    process.exit(1);
  }
}
