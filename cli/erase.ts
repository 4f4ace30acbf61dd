import { type CommandBuilder, confirm, ledgerCommand, type PlaceOptions, placeOf, placeText } from './command.ts';
import { erase, openJob, plan } from './erase/job.ts';
import type { EraseLine } from './erase/lines.ts';
import { textOf } from './erase/text.ts';
import { OutOfReach } from './target.ts';
import { WrongInput } from './wrong-input.ts';

interface EraseOptions extends PlaceOptions {
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const EXAMPLES = `
Every event of the recipient becomes a tombstone: its key, type, domain, time and tags stay, so the ledger stays whole.
Statuses and suppressions are deleted. A marker under a keyed hash of the address stays for good: whatever still comes
in, by webhook or replay, is stored as a tombstone. It cannot be undone.
It can be interrupted at any time; the same command again goes on. It reads the whole table, three times with the plan.

Examples:
  npm run ledger -- erase ada@example.org --local --plan
  npm run ledger -- erase ada@example.org --env prod
  npm run ledger -- erase ada@example.org --env prod --yes --json

Exit code: 0 erased (also where nothing was found), 1 not all was done, 2 wrong usage.`;

export const eraseCommand: CommandBuilder = (world, run) =>
  ledgerCommand('erase', 'forgets a recipient, for good')
    .argument('<recipient>', 'the bare address, in any case')
    .option('--plan', 'only say what would be done, and what it costs; nothing is written')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(
      run<EraseOptions>(async (options, typed = '') => {
        const recipient = recipientIn(typed);
        const place = placeOf(options, world.environment);
        const tell = (line: EraseLine) => {
          const lines = options.json ? [JSON.stringify(line)] : textOf(line);
          for (const text of lines) world.print(text);
        };
        const target = await world.findTarget(place);
        try {
          const job = await openJob(recipient, target, world, tell);
          if (options.plan || !options.yes) await plan(job);
          if (options.plan) return world.signal.aborted ? 1 : 0;
          if (!world.signal.aborted) {
            await confirm(world, options.yes, `Erase this recipient from ${target.name}, for good?`);
            if (await erase(job)) return 0;
          }
          tell({ event: 'stopped', again: `npm run ledger -- erase <recipient> ${placeText(place)}` });
          return 1;
        } catch (cause) {
          if (cause instanceof WrongInput || cause instanceof OutOfReach) throw cause;
          throw new OutOfReach(`stopped, and can be run again: ${(cause as Error).message}`, { cause });
        }
      }),
    );

function recipientIn(typed: string): string {
  const recipient = typed.trim();
  if (!/^[^<>]+@[^<>\s]+$/.test(recipient))
    throw new WrongInput('the recipient is a bare address like ada@example.org');
  return recipient;
}
