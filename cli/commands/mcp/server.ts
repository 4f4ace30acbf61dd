import { readFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';
import { LedgerApiError, LedgerClient } from '../../../client/ledger-client.ts';
import { readApiToken } from '../../access.ts';
import type { CliContext, RunLine } from '../../command.ts';
import type { Deployment } from '../../target/types.ts';
import { runbookSection } from '../help.ts';

interface Served {
  readonly context: CliContext;
  readonly deployment: Deployment;
  /** Options that lead a command to the same stack. */
  readonly target: readonly string[];
  readonly runLine: RunLine;
  readonly showsRecipients: boolean;
}

const INSTRUCTIONS = `Reads the ledger of Mailgun's events and plans; nothing is changed. Cite the event key and message id of what you
report. Begin with status; for one mail use why; for an alarm use runbook. A plan is carried out by a person, who types the
command that it names.`;

/** Serves the tools on standard input and output; resolves when the input ends, or the operator ends it. */
export async function serve(served: Served): Promise<void> {
  const { context, deployment, showsRecipients } = served;
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  const server = new McpServer({ name: deployment.stackName, version }, { instructions: INSTRUCTIONS });
  for (const { name, description, input, call } of TOOLS) {
    const annotations = { readOnlyHint: true, destructiveHint: false, openWorldHint: false };
    server.registerTool(name, { description, inputSchema: input, annotations }, async (given, { signal }) => {
      const tools: ToolContext = { ...served, signal: AbortSignal.any([signal, context.signal]) };
      const { isError, entries } = await call(given, tools);
      return { isError, content: [{ type: 'text', text: resultText(entries, showsRecipients) }] };
    });
  }
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    context.signal.addEventListener('abort', () => resolve());
    process.stdin.once('end', resolve);
  });
  await server.connect(new StdioServerTransport());
  await closed;
  await server.close();
}

interface ToolContext {
  readonly context: CliContext;
  readonly deployment: Deployment;
  readonly target: readonly string[];
  readonly runLine: RunLine;
  readonly signal: AbortSignal;
}

interface ToolResult {
  readonly isError: boolean;
  readonly entries: readonly unknown[];
}

/** A tool that an agent may call: it reads, or it plans. */
interface Tool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodRawShape;
  readonly call: (input: Record<string, unknown>, tools: ToolContext) => Promise<ToolResult>;
}

const MAX_ENTRIES = 50;

const text = (description: string) => z.string().min(1).max(500).describe(description);
const time = (what: string) => text(`${what}: ISO 8601 with offset, or a duration ago such as 2h`);
const domain = text('A sending domain of the stack').optional();
const limit = z.int().min(1).max(MAX_ENTRIES).default(20).describe('Most entries of the page');

export const TOOLS: readonly Tool[] = [
  command('status', 'Whether the stack is healthy: alarms, backlog, dead letters, ledger.', {}, ['status']),
  command(
    'why',
    'What became of one message, and why: its events, statuses and suppressions, explained.',
    { messageId: text('Message id'), recipient: text('Only this recipient').optional() },
    ['why'],
    ({ messageId, recipient }) => ['--', messageId, ...(recipient === undefined ? [] : [recipient])],
  ),
  command('dlq_list', 'The messages of the dead-letter queue by reason.', {}, ['dlq', 'list']),
  command(
    'plan_replay',
    'What a replay would compare and bring in, and what it costs. Nothing is sent.',
    { from: time('Start'), to: time('End'), domain },
    ['replay'],
    (input) => ['--plan', ...flags(input)],
  ),
  command(
    'plan_redrive',
    'What a redrive of the dead-letter queue would send. Nothing is sent.',
    { reason: text('Only messages of this reason').optional() },
    ['dlq', 'redrive'],
    (input) => ['--plan', ...flags(input)],
  ),
  reading(
    'search',
    'Events of a recipient, or of a domain, newest first. Page on with the cursor of `next`.',
    {
      recipient: text('Address').optional(),
      domain,
      from: text('ISO 8601').optional(),
      to: text('ISO 8601').optional(),
      type: text('Event type').optional(),
      tag: text('Tag').optional(),
      limit,
      cursor: text('`next`').optional(),
    },
    async (client, query, options) => {
      const { events, next } = await client.searchEvents(query, options);
      return [...events.map(({ details: _, ...event }) => event), { next }];
    },
  ),
  reading(
    'suppressions',
    'Whether a mail to an address should not be sent.',
    { address: text('Address'), domain },
    async (client, query, options) => [await client.getSuppressions(query as { address: string }, options)],
  ),
  reading(
    'ledger',
    'What Mailgun lists against what is stored: totals, and the slices that are not settled.',
    { domain, from: text('ISO 8601').optional(), to: text('ISO 8601').optional() },
    async (client, query, options) => {
      const { slices, ...whole } = await client.getLedger(query, options);
      return [whole, ...slices.filter(({ state }) => state !== 'settled')];
    },
  ),
  reading(
    'stats',
    'Events by hour, tag and type, as Mailgun lists them.',
    {
      domain,
      tag: text('Tag; * for all mail').default('*'),
      from: text('ISO 8601').optional(),
      to: text('ISO 8601').optional(),
    },
    async (client, query, options) => (await client.getStats(query, options)).buckets,
  ),
  {
    name: 'runbook',
    description: 'The section of the runbook on one alarm, by its name without the stack: dead-letters, silence …',
    input: { alarm: text('Heading of the section') },
    call: async ({ alarm }) => runbookSection(String(alarm)),
  },
];

/** Creates a tool that runs a command of this command line with `--json`. */
function command<Shape extends z.ZodRawShape>(
  name: string,
  description: string,
  input: Shape,
  path: readonly string[],
  argsOf: (input: z.output<z.ZodObject<Shape>>) => readonly string[] = () => [],
): Tool {
  return {
    name,
    description,
    input,
    async call(given, { context, target, runLine, signal }) {
      const entries: unknown[] = [];
      const print = (line: string) => void entries.push(JSON.parse(line));
      // Nothing behind `--` is an option, so the options of the target come first.
      const args = [...path, ...target, '--json', ...argsOf(given as z.output<z.ZodObject<Shape>>)];
      const exitCode = await runLine(args, {
        ...context,
        print,
        printError: () => {},
        signal,
        // There is no one to ask.
        ask: async () => undefined,
      });
      // Exit code 1 may also mean that something is wrong with the stack, which is a result.
      return { isError: exitCode === 2, entries };
    },
  };
}

/** Builds one word per flag, so that a value that begins with dashes is not read as a flag. */
const flags = (input: Readonly<Record<string, unknown>>) =>
  Object.entries(input).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));

/** Creates a tool that calls the read API. */
function reading(
  name: string,
  description: string,
  input: z.ZodRawShape,
  read: (client: LedgerClient, query: never, options: { signal: AbortSignal }) => Promise<readonly unknown[]>,
): Tool {
  return {
    name,
    description,
    input,
    async call(query, { deployment, signal }) {
      const client = new LedgerClient({
        url: deployment.output('ApiUrl'),
        token: () => readApiToken(deployment),
        maxCachedResponses: 0,
      });
      try {
        return { isError: false, entries: await read(client, query as never, { signal }) };
      } catch (error) {
        if (!(error instanceof LedgerApiError)) throw error;
        return { isError: true, entries: [{ reason: error.reason, message: error.message }] };
      }
    },
  };
}

/** A result is read by a model, whose attention is short. */
const MAX_CHARACTERS = 16_000;
const ADDRESS = /([^\s@<>(),:;"'[\]\\])[^\s@<>(),:;"'[\]\\]*@([^\s@<>(),:;"'[\]\\]+)/g;
/** Fields that name a message, an event or a stack, and no person. */
const KEYS = new Set(['messageId', 'key', 'eventKey', 'decidedBy', 'id', 'next', 'cursor', 'domain', 'ledger']);
/** Fields of an event in which senders put anything. */
const FREE = new Set(['userVariables', 'details', 'url', 'subject']);

/** Returns entries as JSON lines, as many as a model reads well; without recipients unless they are wanted. */
export function resultText(entries: readonly unknown[], showsRecipients: boolean): string {
  const lines = entries.map((entry) => JSON.stringify(showsRecipients ? entry : masked(entry)));
  let length = 0;
  const shown = lines.filter((line) => {
    length += line.length + 1;
    return length <= MAX_CHARACTERS;
  });
  const left = lines.length - shown.length;
  if (left === 0) return shown.join('\n') || '{"entries":0}';
  return [...shown, JSON.stringify({ leftOut: left, hint: 'narrow the question, or lower limit' })].join('\n');
}

/** Returns the value with each address as its first letter and its domain, and without free fields. */
export function masked(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(ADDRESS, '$1***@$2');
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !FREE.has(name))
      .map(([name, inner]) => [name, KEYS.has(name) && typeof inner === 'string' ? inner : masked(inner)]),
  );
}
