import { Command } from 'commander';
import type { CommandBuilder } from './command.ts';
import { checkCommand } from './webhooks/check.ts';
import { syncCommand } from './webhooks/sync.ts';

export const webhooksCommand: CommandBuilder = (world, run) =>
  new Command('webhooks')
    .summary('compares and registers the webhooks at Mailgun')
    .description('Compares and registers the webhooks at Mailgun.')
    .addCommand(checkCommand(world, run))
    .addCommand(syncCommand(world, run));
