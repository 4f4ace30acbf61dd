import { Command, InvalidArgumentError, Option } from 'commander';
import { type EventBuilder, POSTED } from '../../mailgun-twin/traffic/events.ts';
import { notBlank, parseCommand, repeated, wholeNumber } from './parse-command.ts';

export const DEFAULT_PORT = 4010;

/** Wrong arguments, or no running stack: nothing was sent. */
export class SendError extends Error {}

/** What to send, and how often. */
export interface SendSettings {
  readonly build: EventBuilder;
  readonly recipient: string;
  readonly tags: readonly string[];
  readonly domain: string | undefined;
  readonly messageId: string | undefined;
  readonly times: number;
  readonly port: number;
}

const EXAMPLES = `
Examples:
  npm run send -- --event delivered --recipient ada@north.example
  npm run send -- --event failed --severity temporary --recipient ada@north.example --message-id 1@mg.example.com
  npm run send -- --event opened --recipient ada@north.example --tag spring --tag shop --times 3

Exit code: 0 when every post got a 200, 1 when not, 2 when nothing could be sent.`;

interface SendOptions {
  readonly event: string;
  readonly recipient: string;
  readonly messageId?: string;
  readonly domain?: string;
  readonly severity: 'permanent' | 'temporary';
  readonly tag?: readonly string[];
  readonly times: number;
  readonly port: number;
}

function createSendCommand(): Command {
  return new Command('npm run send --')
    .description('Signs one event as Mailgun does and posts it to the running local stack.')
    .addOption(
      new Option('--event <type>', 'what happened').choices(['failed', ...POSTED.keys()]).makeOptionMandatory(),
    )
    .requiredOption('--recipient <address>', 'recipient of the event', address)
    .option('--message-id <id>', 'message id of the event (a new one)', bareMessageId)
    .option('--domain <d>', "sending domain (the stack's first)", notBlank)
    .addOption(new Option('--severity <s>', 'of failed').choices(['permanent', 'temporary']).default('permanent'))
    .option('--tag <t>', 'a tag of the message; may be repeated', repeated(notBlank))
    .option('--times <n>', 'number of posts, all with the same token', wholeNumber(1, 99_999), 1)
    .option('--port <n>', 'webhook port of the stack', wholeNumber(1, 65_535), DEFAULT_PORT)
    .addHelpText('after', EXAMPLES);
}

/** Returns what to send, or the help text if requested; throws a one-sentence `SendError` for a mistake. */
export function parseArguments(args: readonly string[]): SendSettings | { readonly help: string } {
  const parsed = parseCommand<SendOptions>(createSendCommand(), args, (sentence) => new SendError(sentence));
  if ('help' in parsed) return parsed;
  const { event, severity, tag: tags = [], recipient, domain, messageId, times, port } = parsed.options;
  const type = event === 'failed' ? FAILURE_TYPES[severity] : event;
  return { build: POSTED.get(type)!, recipient, tags, domain, messageId, times, port };
}

const FAILURE_TYPES = { permanent: 'permanent_fail', temporary: 'temporary_fail' } as const;

/** Refuses what cannot be a mailbox, for which Mailgun reports no events. */
function address(text: string): string {
  if (/^[^@\s]\S*@[^@\s]+$/.test(text)) return text;
  throw new InvalidArgumentError('It must be an address like ada@north.example.');
}

const bareMessageId = (text: string) => text.replace(/^<(.*)>$/, '$1');
