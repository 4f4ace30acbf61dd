import { parseAddress } from '../../api/address.ts';
import { recipientKey } from '../../lambdas/domain/keys.ts';
import { withAddressesIn } from '../../lambdas/domain/recipients/address.ts';
import {
  type CommandBuilder,
  confirm,
  ledgerCommand,
  type TargetOptions,
  targetRefOf,
  targetRefText,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { counted, createEmit, createProgressEmit, number } from '../output.ts';
import { type EraseLine, erase, openJob, plan } from './erase/erase-job.ts';

interface EraseOptions extends TargetOptions {
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const EXAMPLES = `
Every event of the recipient becomes a tombstone: its key, type, domain, time and tags stay, so the counts of the ledger
stay. Statuses and suppressions are deleted, archived objects are rewritten, and the address is removed from events of
others. An event whose recipient names several addresses is erased with any of them, and counted. A marker under a keyed
hash of the address stays permanently, so later events, by webhook or replay, are stored as tombstones. This cannot be
undone.
It reads the whole table, three times with the plan. After the marker it waits for one visibility timeout of the queue,
sends dead letters of the recipient through the queue again, cleans the DLQs of receivers and the queue of publishing's
failures, and reads the table until nothing is found. If you interrupt it, run the same command again to continue.

Examples:
  npm run ledger -- erase ada@example.org --local --plan
  npm run ledger -- erase ada@example.org --env prod
  npm run ledger -- erase ada@example.org --env prod --yes --json

Needs on AWS: secretsmanager:GetSecretValue on the erasure key; dynamodb:Scan, PutItem, UpdateItem and DeleteItem on
the table; sqs:GetQueueAttributes and SendMessage on the queue; sqs:GetQueueAttributes, ReceiveMessage, DeleteMessage
and ChangeMessageVisibility on the DLQ; the same and sqs:SendMessage on the DLQs of receivers and the queue of what
could not be published. With an archive also dynamodb:GetItem on the table; s3:ListBucketVersions,
GetObject, PutObject and DeleteObjectVersion on the bucket, and s3:BypassGovernanceRetention where it locks objects.`;

export const eraseCommand: CommandBuilder = (context, run) =>
  ledgerCommand('erase', 'erase a recipient permanently')
    .argument('<recipient>', 'the bare address, in any case')
    .option('--plan', 'only show what would be done, and what it costs; nothing is written')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(
      run<EraseOptions>(async (options, typed = '') => {
        const recipient = recipientIn(typed);
        const ref = targetRefOf(options, context.environment);
        const emit = (line: EraseLine) => {
          const emitLine = PROGRESS.includes(line.event) ? createProgressEmit : createEmit;
          emitLine<EraseLine>(context, options.json)(line, ...textOf(line));
        };
        const deployment = await context.openDeployment(ref);
        try {
          const job = await openJob(recipient, deployment, context, emit);
          if (options.plan || !options.yes) await plan(job);
          if (options.plan) return context.signal.aborted ? 1 : 0;
          if (!context.signal.aborted) {
            await confirm(context, options.yes, `Erase this recipient from ${deployment.name} permanently?`);
            const erasure = await erase(job);
            if (erasure !== 'unfinished') return erasure === 'done' ? 0 : 1;
          }
          emit({ event: 'stopped', again: `npm run ledger -- erase <recipient> ${targetRefText(deployment.ref)}` });
          return 1;
        } catch (cause) {
          if (cause instanceof UsageError || cause instanceof TargetUnavailableError) throw cause;
          throw new TargetUnavailableError(`stopped; run it again to continue: ${(cause as Error).message}`, { cause });
        }
      }),
    );

function recipientIn(typed: string): string {
  const recipient = typed.trim();
  const isOne =
    withAddressesIn(recipient).every((each) => recipientKey(each) === recipientKey(recipient)) ||
    (/[,;]/.test(recipient) && parseAddress(recipient) === recipient);
  if (!/^[^<>]+@[^<>\s]+$/.test(recipient) || !isOne)
    throw new UsageError('give the recipient as a bare address like ada@example.org');
  return recipient;
}

/** The lines that report how it goes, and not what was done. */
const PROGRESS: readonly EraseLine['event'][] = ['waiting', 'scanning', 'waiting-for-seal', 'reading-archive'];

/** Returns a line as text. */
function textOf(line: EraseLine): string[] {
  switch (line.event) {
    case 'plan':
      return [
        'Plan: nothing was changed.',
        `  messages      ${number(line.messages)} with a status of this recipient`,
        `  events        ${number(line.events)}, each to become a tombstone`,
        `  statuses      ${number(line.statuses)}, to be deleted`,
        `  suppressions  ${number(line.suppressions)}, to be deleted: do not write to the address again`,
        `  mentions      ${number(line.mentions)} events of others that name the address, to be rewritten without it`,
        ...sharedText(line),
        `  dead letters  ${number(line.deadLetters)} in all, to be looked through`,
        ...(line.objects > 0 ? [`  archive       ${counted(line.objects, 'object')}, each to be read`] : []),
        `  takes         ${line.waitSeconds} s of waiting, and two readings of ${number(line.items)} items`,
        `  costs         at most $${line.cost.toFixed(4)}`,
      ];
    case 'marked':
      return [
        line.isNew
          ? 'Marked as erased: from now on only tombstones are stored.'
          : 'Marked as erased already; going through all of it again.',
      ];
    case 'waiting':
      return [`Waiting ${line.seconds} s for what is in flight …`];
    case 'scanning':
      return [`  ${number(line.items)} items read`];
    case 'swept':
      return [
        `Sweep ${line.sweep}: ${number(line.events)} events, ${number(line.statuses)} statuses, ` +
          `${number(line.suppressions)} suppressions, ${number(line.mentions)} mentions, ` +
          `in ${number(line.items)} items`,
      ];
    case 'dead-letters':
      return [
        `Dead letters: ${number(line.received)} received, ${number(line.sentBack)} sent back to the queue, ` +
          `${number(line.deleted)} deleted`,
      ];
    case 'deliveries':
      return [
        `Dead deliveries: ${number(line.received)} received, ${number(line.sentBack)} replaced without the address, ` +
          `${number(line.deleted)} deleted`,
      ];
    case 'waiting-for-seal':
      return ['Waiting for a run of seal to end …'];
    case 'reading-archive':
      return [`  ${number(line.objects)} of ${number(line.of)} objects read`];
    case 'fault':
      return [`  ✖  ${line.where} ${line.what}; it is left as it is`];
    case 'archive-unreached':
      return [
        `  ✖  the archive of ${line.domains.join(', ')} is not in a bucket of this stack, and may hold the recipient.`,
        '     Put it back first: docs/archive.md#another-bucket. Where it is lost: npm run ledger -- give-up-archive.',
      ];
    case 'archive':
      return [
        `Archive: ${number(line.rewritten)} of ${counted(line.objects, 'object')} rewritten without the recipient ` +
          `(${counted(line.rows, 'row')}), ${counted(line.versions, 'old version')} removed`,
        ...(line.faults > 0
          ? [
              'Put back the versions that manifests name, or delete these objects with all versions; a broken chain:',
              'docs/runbook.md#seal-behind. Then run it again.',
            ]
          : []),
      ];
    case 'stopped':
      return ['Stopped. What is done stays done; go on with:', `  ${line.again}`];
    case 'erased':
      return erasedText(line);
    default:
      return line satisfies never;
  }
}

/** What is erased with it of others: one item is of every address that its recipient names. */
const sharedText = ({ shared }: { shared: number }) =>
  shared > 0 ? [`  ${number(shared)} of these have a recipient that names another address as well.`] : [];

function erasedText({
  events,
  statuses,
  suppressions,
  mentions,
  shared,
  deadLetters,
  hidden,
  kept,
  queued,
}: EraseLine & { event: 'erased' }) {
  const isNothing = events + statuses + suppressions + mentions + deadLetters === 0;
  const lines = [
    isNothing
      ? 'Erased: nothing was stored of this recipient. The marker stays, so nothing will be.'
      : `Erased: ${number(events)} events are tombstones, ${number(statuses)} statuses and ` +
        `${number(suppressions)} suppressions are deleted, ${number(mentions)} mentions and ` +
        `${number(deadLetters)} dead letters are gone.`,
  ];
  lines.push(...sharedText({ shared }));
  if (hidden > 0) {
    lines.push(`${number(hidden)} dead letters were held by another reader all the time, and were not looked at.`);
  }
  if (kept > 0) {
    lines.push(`${number(kept)} items hold the address in a message id, an event id or a tag; these stay.`);
  }
  if (queued > 0) {
    lines.push(
      `${number(queued)} messages are in the queue; those of the recipient become tombstones as they are stored.`,
    );
  }
  lines.push(
    'Elsewhere: backups for up to 35 days (weekly ones for table.weeklyBackupDays), what was published, and Mailgun ' +
      'itself. See docs/guarantees.md.',
  );
  return lines;
}
