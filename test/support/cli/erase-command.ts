import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment } from '../../../cli/target/types.ts';
import { crashableInvocations, type InjectedFailure, withoutWaiting } from '../doubles/crashable-invocation.ts';
import type { TestEngines } from '../stacks/engines.ts';
import { runCommand, stubDeployment } from './command-line.ts';

/** Clients that erase uses only with an archive. */
export const NO_ARCHIVE = { archive: {}, signing: {} } as Pick<Deployment['clients'], 'archive' | 'signing'>;

/**
 * Skips the visibility timeout, since nothing is in flight; messages hidden by a dead run become visible after a
 * second.
 */
const sleepShort = (ms: number) => sleep(ms > 5000 ? 0 : Math.min(ms, 300));

/** Returns `erase` on test engines: once as people run it, and once with a failure at a call of these clients. */
export function eraseOn(engines: TestEngines, failing: Parameters<typeof crashableInvocations>[0]) {
  const invoke = crashableInvocations(failing, withoutWaiting);

  function erase(args: readonly string[], over: Parameters<typeof runCommand>[1] = {}) {
    const clients = { ...NO_ARCHIVE, table: engines.table.client, queues: engines.queues, secrets: engines.secrets };
    const target = stubDeployment({ clients, output: engines.output });
    return runCommand(['erase', '--local', ...args], {
      openDeployment: async () => target,
      sleep: sleepShort,
      ...over,
    });
  }

  /** Runs with --json --yes; checks that nothing printed contains the recipient. */
  async function erased(recipient: string, trouble?: InjectedFailure) {
    // A command that has crashed still ends here, so its lines are read.
    let ended!: Awaited<ReturnType<typeof erase>>;
    const { points } = await invoke(async () => {
      ended = await erase([recipient, '--json', '--yes']);
    }, trouble);
    expect([...ended.lines, ...ended.errors].join().toLowerCase()).not.toContain(recipient.toLowerCase());
    return { ...ended, points };
  }

  return { erase, erased };
}
