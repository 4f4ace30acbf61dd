import type { Command } from 'commander';
import { DAY_SECONDS } from '../../../lambdas/contract.ts';
import { type CliContext, type TargetOptions, timeOption } from '../../command.ts';
import { UsageError } from '../../errors.ts';

export interface TimeOptions extends TargetOptions {
  readonly from?: number;
  readonly to?: number;
}

export const timed = (command: Command, context: CliContext) =>
  command
    .option(
      '--from <time>',
      'published since: ISO 8601 with offset, epoch seconds, or 2h ago (24h)',
      timeOption('from', context),
    )
    .option('--to <time>', 'published before, the same way (now)', timeOption('to', context));

/** Returns the time that the options choose, in epoch seconds: the last day where they choose none. */
export function rangeOf({ from, to }: TimeOptions, { now }: CliContext): { from: number; to: number } {
  const end = to ?? Math.floor(now() / 1000) + 1;
  const begin = from ?? end - DAY_SECONDS;
  if (begin >= end) throw new UsageError('--from is not before --to');
  return { from: begin, to: end };
}
