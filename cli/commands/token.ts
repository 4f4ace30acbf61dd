import { randomInt } from 'node:crypto';
import { putSecret, readSecret } from '../access.ts';
import {
  type CliContext,
  type CommandBuilder,
  commandGroup,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
  targetRefText,
} from '../command.ts';
import { TargetUnavailableError } from '../errors.ts';
import { createEmit } from '../output.ts';

/** The line of `token show --json`. */
export type TokenShowLine = { event: 'token'; token: string };

/** The line of `token rotate --json`, which does not hold the token. */
export type TokenRotateLine = { event: 'rotated'; refusedWithinSeconds: number };

export const tokenCommand: CommandBuilder = (context, run) =>
  commandGroup(
    'token',
    "show or replace the read API's token",
    'secretsmanager:GetSecretValue and PutSecretValue on the token',
  )
    .addCommand(showCommand(context, run))
    .addCommand(rotateCommand(context, run));

const SHOW_EXAMPLES = `
Anyone with the token can read every event: do not paste it into tickets or chats.

Examples:
  npm run --silent ledger -- token show --env prod
  curl -H "Authorization: Bearer $(npm run --silent ledger -- token show --env prod)" "$API_URL/mailgun/ledger"`;

const showCommand = (context: CliContext, run: Run) =>
  ledgerCommand('show', 'print the token alone to standard output')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(run<TargetOptions>((options) => show(context, options)));

async function show(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const token = await readSecret(deployment, 'ApiTokenSecretArn');
  if (token === '')
    throw new TargetUnavailableError(
      `the token is empty; make one with: token rotate ${targetRefText(deployment.ref)}`,
    );
  createEmit<TokenShowLine>(context, options.json)({ event: 'token', token }, token);
  return 0;
}

interface RotateOptions extends TargetOptions {
  readonly yes?: boolean;
}

const LENGTH = 48;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const ROTATE_EXAMPLES = `
The old token is refused within 5 minutes (while Secrets Manager fails, within 12 hours).
Give all clients of the API the new one (token show).

Examples:
  npm run ledger -- token rotate --env prod
  npm run ledger -- token rotate --local --yes`;

const rotateCommand = (context: CliContext, run: Run) =>
  ledgerCommand('rotate', 'replace the token')
    .option('--yes', 'do not ask')
    .addHelpText('after', ROTATE_EXAMPLES)
    .action(run<RotateOptions>((options) => rotate(context, options)));

async function rotate(context: CliContext, options: RotateOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  await confirm(
    context,
    options.yes,
    `Replace the token of ${deployment.name}? Whatever reads the API needs the new one.`,
  );
  const token = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  await putSecret(deployment, 'ApiTokenSecretArn', token);
  createEmit<TokenRotateLine>(context, options.json)(
    { event: 'rotated', refusedWithinSeconds: 300 },
    'The token is replaced. The old one is refused within 5 minutes; while Secrets Manager fails, within 12 hours.',
    `Show the new one with: npm run --silent ledger -- token show ${targetRefText(deployment.ref)}`,
  );
  return 0;
}
