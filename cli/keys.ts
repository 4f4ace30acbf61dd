import { Command } from 'commander';
import type { CommandBuilder } from './command.ts';
import { rotateCommand } from './keys/rotate.ts';
import { setCommand } from './keys/set.ts';
import { statusCommand } from './keys/status.ts';

export const keysCommand: CommandBuilder = (world, run) =>
  new Command('keys')
    .summary("sets and rotates Mailgun's signing keys and API key")
    .description("Sets and rotates Mailgun's signing keys and API key.")
    .addCommand(setCommand(world, run))
    .addCommand(rotateCommand(world, run))
    .addCommand(statusCommand(world, run));
