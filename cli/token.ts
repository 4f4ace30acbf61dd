import { Command } from 'commander';
import type { CommandBuilder } from './command.ts';
import { rotateCommand } from './token/rotate.ts';
import { showCommand } from './token/show.ts';

export const tokenCommand: CommandBuilder = (world, run) =>
  new Command('token')
    .summary("shows or replaces the read API's token")
    .description("Shows or replaces the read API's token.")
    .addCommand(showCommand(world, run))
    .addCommand(rotateCommand(world, run));
