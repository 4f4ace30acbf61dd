import { Command } from 'commander';
import type { CommandBuilder } from './command.ts';
import { listCommand } from './dlq/list.ts';
import { redriveCommand } from './dlq/redrive.ts';
import { showCommand } from './dlq/show.ts';

export const dlqCommand: CommandBuilder = (world, run) =>
  new Command('dlq')
    .summary('lists, explains and redrives dead letters')
    .description('Lists, explains and redrives dead letters: events that process could not store.')
    .addCommand(listCommand(world, run))
    .addCommand(showCommand(world, run))
    .addCommand(redriveCommand(world, run));
