import { createEventLookup } from '../../lambdas/adapters/table/event-lookup.ts';
import { counted, createTell } from '../answer.ts';
import { ledgerCommand, type PlaceOptions, placeOf, type Run, type World } from '../command.ts';
import { tableOf } from '../ledger/table.ts';
import { OutOfReach } from '../target.ts';
import { iso } from '../time.ts';
import { type DeadLetter, type DeadLetters, lookThrough, openDeadLetters } from './dead-letters.ts';
import { adviceOf, diagnose, messageIdIn } from './diagnosis.ts';
import type { DlqShowLine } from './lines.ts';

interface ShowOptions extends PlaceOptions {
  readonly showBody?: boolean;
}

const SHOW_EXAMPLES = `
Runs the code of this version on the message and says what it makes of it. The body names people: it is printed
only with --show-body.

Examples:
  npm run ledger -- dlq show 7c6ff0f5-3b0e-4c0a-9d52-6a5f1f2c7a11 --env prod
  npm run ledger -- dlq show 7c6ff0f5-3b0e-4c0a-9d52-6a5f1f2c7a11 --local --show-body

Exit code: 0 shown; 1 there is no such dead letter; 2 wrong usage.`;

export const showCommand = (world: World, run: Run) =>
  ledgerCommand('show', 'explains one dead letter')
    .argument('<id>', "SQS's message id, as dlq list shows it")
    .option('--show-body', 'prints the whole message too, which names people')
    .addHelpText('after', SHOW_EXAMPLES)
    .action(run<ShowOptions>((options, id = '') => show(world, options, id)));

async function show(world: World, options: ShowOptions, id: string): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<DlqShowLine>(world, options.json);
  const letter = await find(openDeadLetters(target), id);
  if (letter === undefined) throw new OutOfReach(`there is no dead letter ${id}; somebody else may be reading it`);
  const { reason, detail, sentMs, receiveCount, body } = letter;
  const diagnosis = diagnose(body);
  const { error } = diagnosis;
  const stored = error === null && (await createEventLookup(tableOf(target)).isStored(diagnosis.identity));
  const message =
    error === null
      ? {
          source: diagnosis.message.source,
          receivedAt: iso(diagnosis.message.receivedAt),
          domain: diagnosis.message.domain,
          messageId: messageIdIn(diagnosis.message),
          eventKey: diagnosis.identity.eventKey,
          stored,
        }
      : null;
  const advice = adviceOf(reason, diagnosis, stored);
  const rows: [string, string | null][] = [
    ['id', id],
    ['reason', detail === undefined ? reason : `${reason}: ${detail}`],
    ['sent', `${iso(sentMs)}, received ${counted(receiveCount, 'time')} since`],
    ['error now', error === null ? 'none: the code of this version reads it' : `${error.reason}, at ${error.where}`],
    ['event', message && `${message.eventKey} of ${message.domain}, by ${message.source} at ${message.receivedAt}`],
    ['message', message?.messageId ?? null],
    ['stored', message && (stored ? 'yes' : 'no')],
    ['advice', advice],
    ['body', options.showBody ? body : null],
  ];
  tell(
    {
      event: 'dead-letter',
      ...{ id, reason, detail: detail ?? null, sentAt: iso(sentMs), receiveCount, error, message, advice },
      ...(options.showBody && { body }),
    },
    ...rows.flatMap(([name, text]) => (text === null ? [] : [`${name.padEnd(9)}  ${text}`])),
  );
  return 0;
}

async function find(deadLetters: DeadLetters, id: string): Promise<DeadLetter | undefined> {
  for await (const letter of lookThrough(deadLetters)) if (letter.id === id) return letter;
  return undefined;
}
