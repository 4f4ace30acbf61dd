import { ago } from '../ago.ts';
import { counted, createTell } from '../answer.ts';
import { ledgerCommand, type PlaceOptions, placeOf, type Run, type World } from '../command.ts';
import { iso } from '../time.ts';
import { type DeadLetter, lookThrough, MOST_LETTERS, openDeadLetters, TRIES_USED_UP } from './dead-letters.ts';
import type { DlqListLine } from './lines.ts';

const SAMPLE = 5;

const LIST_EXAMPLES = `
Looking hides each message from others for the moment; it changes nothing. Reasons: not-json, malformed-message,
unknown-version, unstorable, and ${TRIES_USED_UP} where SQS gave up.

Examples:
  npm run ledger -- dlq list --env prod
  npm run ledger -- dlq list --local --json

Exit code: 0 listed, also where there are none; 1 the stack cannot be reached; 2 wrong usage.`;

export const listCommand = (world: World, run: Run) =>
  ledgerCommand('list', 'counts the dead letters by reason')
    .addHelpText('after', LIST_EXAMPLES)
    .action(run<PlaceOptions>((options) => list(world, options)));

async function list(world: World, options: PlaceOptions): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<DlqListLine>(world, options.json);
  const letters: Pick<DeadLetter, 'id' | 'reason' | 'sentMs'>[] = [];
  for await (const { id, reason, sentMs } of lookThrough(openDeadLetters(target))) letters.push({ id, reason, sentMs });
  for (const [reason, ofReason] of Map.groupBy(letters, (letter) => letter.reason)) {
    const times = ofReason.map(({ sentMs }) => sentMs);
    const [oldestMs, newestMs] = [Math.min(...times), Math.max(...times)];
    const sample = ofReason.slice(0, SAMPLE).map(({ id }) => id);
    tell(
      { event: 'reason', reason, count: ofReason.length, oldestAt: iso(oldestMs), newestAt: iso(newestMs), sample },
      `${reason.padEnd(18)} ${String(ofReason.length).padStart(6)}  oldest ${ago(oldestMs, world.now())}  such as`,
      ...sample.map((id) => `  ${id}`),
    );
  }
  const complete = letters.length < MOST_LETTERS;
  const all = letters.length === 0 ? 'There are no dead letters.' : `${counted(letters.length, 'dead letter')}.`;
  tell({ event: 'dead-letters', count: letters.length, complete }, complete ? all : `${all} There are more.`);
  return 0;
}
