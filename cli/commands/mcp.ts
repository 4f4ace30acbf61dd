import { type CommandBuilder, ledgerCommand, openTarget, type TargetOptions, targetRefText } from '../command.ts';

interface McpOptions extends TargetOptions {
  readonly recipients?: boolean;
}

const EXAMPLES = `
Serves the Model Context Protocol on standard input and output until its input ends. The tools read or plan; none
changes anything. Without --recipients, addresses are masked, and subjects, user variables and URLs are left out. Most
agents take this entry in their list of servers:
  { "mcpServers": { "mail": { "command": "npx", "args": ["mailgun-ledger", "mcp", "--stack", "Mail"],
    "env": { "AWS_REGION": "eu-west-1" } } } }

Examples:
  npm run --silent ledger -- mcp --env prod
  npm run --silent ledger -- mcp --local --recipients

Needs on AWS: what status, why, dlq and replay need; secretsmanager:GetSecretValue on the token.`;

export const mcpCommand: CommandBuilder = (context, run, runLine) =>
  ledgerCommand('mcp', 'let an agent read the ledger and plan (Model Context Protocol)')
    .option('--recipients', 'show addresses of recipients to the agent')
    .addHelpText('after', EXAMPLES)
    .action(
      run<McpOptions>(async (options) => {
        const deployment = await openTarget(context, options);
        // Loaded only here, for it takes as long as all other commands together.
        const { serve } = await import('./mcp/server.ts');
        const target = targetRefText(deployment.ref).split(' ');
        await serve({ context, deployment, target, runLine, showsRecipients: options.recipients ?? false });
        return 0;
      }),
    );
