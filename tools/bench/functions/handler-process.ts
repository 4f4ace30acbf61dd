import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { HostAnswer } from './handler-host.ts';

/** A bundle's handler, running in a process of its own. */
export interface HandlerProcess {
  /** Runs events (JSON) in sequence. Rejects if the process ends meanwhile. */
  run(events: readonly string[]): Promise<HostAnswer>;
  stop(): void;
}

export async function startHandler(bundle: string, environment: Record<string, string>): Promise<HandlerProcess> {
  const child = fork(join(import.meta.dirname, 'handler-host.ts'), [bundle], { env: environment, execArgv: [] });
  let answered: (answer: HostAnswer) => void = () => {};
  let failed: (error: Error) => void = () => {};
  child.once('exit', (code) => failed(new Error(`${bundle} ended with ${code}`)));
  await once(child, 'message');
  child.on('message', (answer: HostAnswer) => answered(answer));
  return {
    run(events) {
      const { promise, resolve, reject } = Promise.withResolvers<HostAnswer>();
      [answered, failed] = [resolve, reject];
      child.send(events);
      return promise;
    },
    stop: () => void child.kill(),
  };
}
