import { parseArgs } from 'node:util';
import {
  accepted,
  bounced,
  clicked,
  complained,
  deferred,
  delivered,
  type EventBuilder,
  opened,
  unsubscribed,
} from '../../mailgun-twin/traffic/events.ts';

export const DEFAULT_PORT = 4010;

export const HELP = `Signs one event as Mailgun does and posts it to the running local stack.

  npm run send -- --event delivered --recipient ada@north.example
  npm run send -- --event failed --severity temporary --recipient ada@north.example --message-id 1@mg.example.com
  npm run send -- --event opened --recipient ada@north.example --tag spring --tag shop --times 3

  --event E        delivered, accepted, opened, clicked, unsubscribed, complained,
                   failed, permanent_fail or temporary_fail
  --recipient A    whose event it is
  --message-id I   of which message (a new one)
  --domain D       sending domain (the stack's first)
  --severity S     of failed: permanent or temporary (permanent)
  --tag T          may be repeated
  --times N        post it N times, with the same token (1)
  --port N         webhook port of the stack (${DEFAULT_PORT})

Exit code: 0 when every post was answered 200, 1 when not, 2 when nothing could be sent.`;

/** A mistake in the arguments, or no stack to send to: nothing was sent. */
export class CannotSend extends Error {}

/** What is to be sent, and how often. */
export interface SendRequest {
  readonly build: EventBuilder;
  readonly recipient: string;
  readonly tags: readonly string[];
  readonly domain: string | undefined;
  readonly messageId: string | undefined;
  readonly times: number;
  readonly port: number;
}

const BUILDERS = new Map<string, EventBuilder>([
  ['accepted', accepted],
  ['delivered', delivered],
  ['opened', opened()],
  ['clicked', clicked()],
  ['unsubscribed', (moment) => unsubscribed(moment.mail.tags[0] ?? '*')(moment)],
  ['complained', complained],
  ['permanent_fail', bounced],
  ['temporary_fail', deferred(1, 600)],
]);

/** Answers 'help' where that is asked for; throws CannotSend with a sentence for the person who typed it. */
export function parseArguments(args: readonly string[]): SendRequest | 'help' {
  const flags = readFlags(args);
  if (flags.help) return 'help';
  const { event: type, recipient, tag: tags = [], domain } = flags;
  if (!type) throw new CannotSend('--event is missing; --help shows examples');
  if (!recipient) throw new CannotSend('--recipient is missing; --help shows examples');
  const build = BUILDERS.get(type === 'failed' ? failureType(flags.severity) : type);
  if (!build) throw new CannotSend(`--event "${type}" is none that Mailgun sends; --help lists them`);
  const messageId = flags['message-id']?.replace(/^<(.*)>$/, '$1');
  const times = wholeNumber('times', flags.times, 1);
  const port = wholeNumber('port', flags.port, DEFAULT_PORT);
  return { build, recipient, tags, domain, messageId, times, port };
}

function failureType(severity = 'permanent'): string {
  if (severity === 'permanent') return 'permanent_fail';
  if (severity === 'temporary') return 'temporary_fail';
  throw new CannotSend(`--severity is permanent or temporary, not "${severity}"`);
}

function readFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        event: text,
        recipient: text,
        'message-id': text,
        domain: text,
        severity: text,
        times: text,
        port: text,
        tag: { type: 'string', multiple: true },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new CannotSend(`${(error as Error).message}; --help shows examples`);
  }
}

function wholeNumber(flag: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^[1-9]\d{0,4}$/.test(value)) throw new CannotSend(`--${flag} is a whole number from 1, not "${value}"`);
  return Number(value);
}
