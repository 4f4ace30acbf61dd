import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { EngineProgram } from './engine-program.ts';

const PACKAGE = `@dynoxide/${process.platform}-${process.arch}`;

/** One binary from npm, in memory, on loopback only. Writes slow down with each stream record. */
export const DYNOXIDE: EngineProgram = {
  name: 'dynoxide',
  title: 'dynoxide',
  whyNot: async () => (binaryPath() === undefined ? `the package ${PACKAGE} is not installed` : undefined),
  command(port) {
    return { file: binaryPath() ?? 'dynoxide', args: ['serve', '--host', '127.0.0.1', '--port', String(port)] };
  },
};

function binaryPath(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'dynoxide');
  } catch {
    return undefined;
  }
}
