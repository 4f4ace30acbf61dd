import { readFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { CliContext, RunLine } from '../../command.ts';
import type { Deployment } from '../../target/types.ts';
import { resultText } from './results.ts';
import { TOOLS, type ToolContext } from './tools.ts';

export interface Served {
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
