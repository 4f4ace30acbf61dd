import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { HostReply } from './handler-host.ts';

/** A bundle's handler, running in a process of its own. */
export interface HandlerProcess {
  /** Runs events (JSON) in sequence. Rejects if the process ends meanwhile. */
  run(events: readonly string[]): Promise<HostReply>;
  stop(): void;
}

export async function startHandler(bundle: string, environment: Record<string, string>): Promise<HandlerProcess> {
  const child = fork(join(import.meta.dirname, 'handler-host.ts'), [bundle], { env: environment, execArgv: [] });
  let replied: (reply: HostReply) => void = () => {};
  let failed: (error: Error) => void = () => {};
  child.once('exit', (code) => failed(new Error(`${bundle} ended with ${code}`)));
  await once(child, 'message');
  child.on('message', (reply: HostReply) => replied(reply));
  return {
    run(events) {
      const { promise, resolve, reject } = Promise.withResolvers<HostReply>();
      [replied, failed] = [resolve, reject];
      child.send(events);
      return promise;
    },
    stop: () => void child.kill(),
  };
}
