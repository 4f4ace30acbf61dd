import { randomUUID } from 'node:crypto';
import { createLeaseRepository } from '../../lambdas/adapters/table/lease-repository.ts';
import { giveUpChain, readChainHeads } from '../../lambdas/adapters/table/slice-repository.ts';
import { SEAL_LEASE_KEY } from '../../lambdas/domain/keys.ts';
import { every, withLease } from '../../lambdas/shared/lease.ts';
import {
  type CliContext,
  type CommandBuilder,
  confirm,
  ledgerCommand,
  openTarget,
  type TargetOptions,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { counted, createEmit, plain } from '../output.ts';
import { openErasableArchive, unreachedArchives } from './erase/erase-from-archive.ts';

/** Lines of `give-up-archive --json`: each chain that ends in no bucket of the stack, then the result. */
export type GiveUpLine =
  | { event: 'unreached'; domain: string; manifests: number }
  | { event: 'nothing-to-give-up' }
  | { event: 'plan'; domains: string[] }
  | { event: 'given-up'; domains: string[]; reason: string };

interface GiveUpOptions extends TargetOptions {
  readonly reason: string;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const EXAMPLES = `
Use it where the bucket of an earlier archive is lost or deleted, so that seal stops and erase cannot end. The ends of
its chains are forgotten, and kept with the reason. With an archive, seal begins again with what the table holds. Where
the bucket still exists, copy it instead (docs/archive.md): it may hold people who ask to be erased. It reads the whole
table twice, since domains that the stack no longer names have chains too.

Examples:
  npm run ledger -- give-up-archive --reason "bucket deleted by hand" --local --plan
  npm run ledger -- give-up-archive --reason "bucket deleted by hand" --env prod
  npm run ledger -- give-up-archive --reason "bucket deleted by hand" --env prod --yes --json

Needs on AWS: dynamodb:Scan, GetItem, Query, PutItem and DeleteItem on the table; with an archive also
s3:GetObject and s3:ListBucket on the bucket.`;

export const giveUpArchiveCommand: CommandBuilder = (context, run) =>
  ledgerCommand('give-up-archive', 'forget the chains of an archive whose bucket is lost')
    .requiredOption('--reason <text>', 'the reason, kept in the ledger: name no recipient')
    .option('--plan', 'only show the chains; nothing is written')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(run<GiveUpOptions>((options) => giveUp(context, options)));

async function giveUp(context: CliContext, options: GiveUpOptions): Promise<number> {
  const reason = options.reason.trim();
  if (reason === '') throw new UsageError('--reason is empty');
  const deployment = await openTarget(context, options);
  const table = tableOf(deployment);
  const archive = openErasableArchive(deployment, table, context.now);
  const emit = createEmit<GiveUpLine>(context, options.json);
  const unreached = async () => {
    const heads = await readChainHeads(table);
    const domains = new Set(await unreachedArchives(archive, heads));
    return new Map([...heads].filter(([domain]) => domains.has(domain)));
  };

  const found = await unreached();
  for (const [domain, { sequence }] of found)
    emit({ event: 'unreached', domain, manifests: sequence }, `${domain}  ${counted(sequence, 'manifest')}`);
  const domains = [...found.keys()];
  if (domains.length === 0) {
    emit({ event: 'nothing-to-give-up' }, 'Nothing to give up: every chain ends in the archive of this stack.');
    return 0;
  }
  if (options.plan) {
    emit(
      { event: 'plan', domains },
      `Plan: nothing was changed; ${counted(domains.length, 'chain')} would be forgotten.`,
    );
    return 0;
  }
  const question = `Give up the archive of ${domains.join(', ')} permanently? It cannot be proven or erased any more.`;
  await confirm(context, options.yes, question);

  // A run of seal would write marks of the old chain again.
  const lease = createLeaseRepository(table, SEAL_LEASE_KEY);
  const given = await withLease({ lease, now: context.now, newRunId: randomUUID, every }, async (held) => {
    const still = await unreached();
    for (const [domain, head] of still) {
      held.assertHeld();
      await giveUpChain(table, domain, head, { reason, givenUpAt: context.now() });
    }
    return [...still.keys()];
  });
  if (given === 'busy') throw new TargetUnavailableError('seal is at work; run the same command again in a minute');
  emit(
    { event: 'given-up', domains: given, reason },
    `Given up: the archive of ${given.join(', ')}, reason: ${plain(reason)}`,
  );
  return 0;
}
