import type { ReadyLine } from '../../../../../tools/local-ledger/ready-line.ts';
import type { PlayedMessage } from '../../../../../tools/local-ledger/scenario/play.ts';
import { commandsToPaste } from '../../../../../tools/local-ledger/scenario/text-reporter.ts';

const ready = { webhookUrl: 'http://127.0.0.1:4123/webhooks/mailgun', apiUrl: 'http://127.0.0.1:4' } as ReadyLine;
const message = (messageId: string, to: string[]) =>
  ({ scheduled: { mail: { messageId, to, domain: 'mg.example.com' } } }) as unknown as PlayedMessage;

test('the last commands explain a message of this run, and show the health of the stack', () => {
  const played = [message('odd?#id@x', ['a', 'b']), message('1@x', ['a']), message('2.7@mg.example.com', ['a', 'b'])];

  expect(
    commandsToPaste(ready, played)
      .slice(-2)
      .map(({ command }) => command),
  ).toEqual([
    'npm run ledger -- why 2.7@mg.example.com --local --port 4123',
    'npm run ledger -- status --local --port 4123',
  ]);
});

test('without such a message the last command shows the health', () => {
  expect(commandsToPaste(ready, []).map(({ does }) => does)).toEqual([
    'An event signed and sent by hand',
    'The health of the stack, on one screen',
  ]);
});
