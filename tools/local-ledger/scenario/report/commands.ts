import { testButtonMessageId } from '../../../mailgun-twin/api/test-button.ts';
import { DEFAULT_PORT } from '../../options/send-arguments.ts';
import type { ReadyInfo } from '../../ready.ts';
import type { PlayedMessage } from '../play.ts';
import { curlCommand } from '../read-back.ts';

const NEEDS_NO_QUOTES = /^[\w.@+-]+$/;

/** What a person may want to try next, as command lines that work when pasted. */
export function commandsToPaste(ready: ReadyInfo, played: readonly PlayedMessage[]) {
  const testMessage = played.find(
    ({ scheduled }) => scheduled.mail.messageId === testButtonMessageId(scheduled.mail.domain),
  );
  const exampleMessage = played.find(
    ({ scheduled: { mail } }) => mail.to.length > 1 && NEEDS_NO_QUOTES.test(mail.messageId),
  );
  const read = (does: string, message?: PlayedMessage) =>
    message ? [{ does, command: curlCommand(ready, message.scheduled.mail.messageId) }] : [];
  const port = new URL(ready.webhookUrl).port;
  const portFlag = port === String(DEFAULT_PORT) ? '' : ` --port ${port}`;
  const ledger = (words: string) => `npm run ledger -- ${words} --local --port ${port}`;
  return [
    ...read("The message of the dashboard's test button", testMessage),
    ...read('A message of this run, with four recipients', exampleMessage),
    {
      does: 'An event signed and sent by hand',
      command: `npm run send -- --event delivered --recipient a@b.example${portFlag}`,
    },
    ...(exampleMessage
      ? [
          {
            does: 'What became of that message, event by event',
            command: ledger(`why ${exampleMessage.scheduled.mail.messageId}`),
          },
        ]
      : []),
    { does: 'The health of the stack, on one screen', command: ledger('status') },
  ];
}
