import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRandom } from '../mailgun-twin/random.ts';
import { newMessageId } from '../mailgun-twin/traffic/schedule-messages.ts';
import { createSignature } from '../mailgun-twin/webhooks/signature.ts';
import { createPost, jsonWebhook } from '../mailgun-twin/webhooks/webhook.ts';
import { parseArguments, SendError, type SendSettings } from './options/send-arguments.ts';
import type { ReadyLine } from './ready-line.ts';
import { curlCommand } from './scenario/read-stack.ts';

// Signs an event as Mailgun does and posts it to the running local stack: npm run send -- --help

const RESPONSE_TIMEOUT_MS = 10_000;

/** Returns the exit code. `folder` holds the ready line of each running stack, by port. */
export async function send(args: readonly string[], folder: URL, print: (line: string) => void): Promise<number> {
  try {
    const request = parseArguments(args);
    if ('help' in request) {
      print(request.help);
      return 0;
    }
    return await post(request, findStack(folder, request.port), print);
  } catch (error) {
    if (!(error instanceof SendError)) throw error;
    print(error.message);
    return 2;
  }
}

function findStack(folder: URL, port: number): ReadyLine {
  try {
    return JSON.parse(readFileSync(new URL(`${port}.json`, folder), 'utf8')) as ReadyLine;
  } catch {
    throw new SendError(`no local stack is running on port ${port}; start one with: npm start -- --port ${port}`);
  }
}

async function post(request: SendSettings, ready: ReadyLine, print: (line: string) => void): Promise<number> {
  const epochMs = Date.now();
  const random = createRandom(randomInt(2 ** 32));
  const domain = request.domain ?? ready.domains[0] ?? 'mg.example.com';
  const messageId = request.messageId ?? newMessageId(domain, randomBytes(4).toString('hex'), epochMs, random);
  const mail = {
    domain,
    messageId,
    from: `hello@${domain}`,
    to: [request.recipient],
    subject: 'Sent by hand',
    tags: request.tags,
  };
  const event = request.build({ mail, recipient: request.recipient, epochMs, random });
  const parts = { timestamp: String(Math.floor(epochMs / 1000)), token: randomBytes(25).toString('hex') };
  const webhook = jsonWebhook(event, createSignature({ signing: ready.signingKey }, parts));
  const postOnce = createPost(ready.webhookUrl, RESPONSE_TIMEOUT_MS, new AbortController().signal);

  let exitCode = 0;
  for (let nth = 1; nth <= request.times; nth += 1) {
    const { status, text } = await postOnce(webhook).catch(() => {
      throw new SendError(`the local stack on port ${request.port} does not respond; is it still running?`);
    });
    print(`${event.event}#${event.id} for ${request.recipient}: ${status} ${text}`);
    if (status !== 200) exitCode = 1;
  }
  print('\nRead the message back:');
  print(curlCommand(ready, messageId));
  return exitCode;
}

if (import.meta.main) {
  // A reader such as head may close the pipe early.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const folder = new URL('../../.local/', import.meta.url);
  process.exitCode = await send(process.argv.slice(2), folder, (line) => process.stdout.write(`${line}\n`));
}
