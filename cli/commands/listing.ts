import { createListingNoteRepository } from '../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { type Announcement, announcementText } from '../../lambdas/domain/ledger/listing-note.ts';
import { type CliContext, type CommandBuilder, ledgerCommand, openTarget, type TargetOptions } from '../command.ts';
import { UsageError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { createEmit } from '../output.ts';
import { iso } from '../time.ts';

/** The line of `listing --json`. */
export interface ListingLine {
  readonly event: 'listing';
  /** Since when the ledger lists by the Logs API because the Events API is gone; null where it did not fall back. */
  readonly fellBackAt: string | null;
  /** The end of an API, as Mailgun announces it. */
  readonly announced: (Announcement & { readonly at: string }) | null;
  /** True if this command took the ledger back to the Events API. */
  readonly wentBack: boolean;
}

interface ListingOptions extends TargetOptions {
  readonly use?: string;
}

const EXAMPLES = `
When Mailgun responds 410 to its Events API, the ledger lists by the Logs API from then on, whatever reconcile.source
is. With --use events the next run tries the Events API again; another 410 switches back to Logs.

Examples:
  npm run ledger -- listing --env prod
  npm run ledger -- listing --use events --env prod

Needs on AWS: dynamodb:GetItem on the table; with --use dynamodb:UpdateItem.`;

export const listingCommand: CommandBuilder = (context, run) =>
  ledgerCommand(
    'listing',
    'show whether Mailgun is ending the API that the ledger lists from, or return to its Events API',
  )
    .option('--use <api>', 'events: return to the Events API after a 410')
    .addHelpText('after', EXAMPLES)
    .action(run<ListingOptions>((options) => listing(context, options)));

async function listing(context: CliContext, options: ListingOptions): Promise<number> {
  if (options.use !== undefined && options.use !== 'events') {
    throw new UsageError('--use takes only events; for logs set reconcile.source in cdk.json, and deploy');
  }
  const deployment = await openTarget(context, options);
  const notes = createListingNoteRepository(tableOf(deployment));
  const wentBack = options.use === 'events' && (await notes.goBack());
  const { fellBackAt, announced } = await notes.read();
  const line: ListingLine = {
    event: 'listing',
    fellBackAt: fellBackAt === undefined ? null : iso(fellBackAt),
    announced: announced === undefined ? null : { ...announced, at: iso(announced.at) },
    wentBack,
  };
  createEmit<ListingLine>(context, options.json)(
    line,
    line.fellBackAt === null
      ? `Listed by the API that reconcile.source names${wentBack ? ', from the next run on' : ''}.`
      : `Listed by the Logs API since ${line.fellBackAt}, because Mailgun has ended its Events API (410).`,
    ...(announced === undefined ? [] : [`Mailgun has announced the end of its ${announcementText(announced)}.`]),
  );
  return 0;
}
