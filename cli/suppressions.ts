import { Command } from 'commander';
import type { CommandBuilder } from './command.ts';
import { liftCommand } from './suppressions/lift.ts';
import { showCommand } from './suppressions/show.ts';

export const suppressionsCommand: CommandBuilder = (world, run) =>
  new Command('suppressions')
    .summary('shows and lifts the reasons not to send to an address')
    .description('Shows and lifts the reasons not to send to an address.')
    .addCommand(showCommand(world, run))
    .addCommand(liftCommand(world, run));
