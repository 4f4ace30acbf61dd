import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { LogBuffer } from '../run/log-buffer.ts';
import type { StackRun } from '../run/run.ts';

export interface FunctionSpec {
  /** Short name: `ingest`. */
  readonly name: string;
  readonly folder: string;
  /** `<module>.<export>`. */
  readonly handler: string;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
}

export type InvocationResult =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: string; readonly timedOut: boolean };

/** An invocation sent to a function's process. */
export interface Invocation {
  readonly id: string;
  /** Event as JSON text. */
  readonly event: string;
  readonly deadlineMs: number;
}

/** A message from a function's process. */
export type HostMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: string; readonly payload: string }
  | { readonly kind: 'failure'; readonly id: string; readonly error: string };

/** Parts of a run that a sandbox uses. */
export type SandboxRun = Pick<StackRun, 'logBuffer' | 'processReaper'>;

const HOST = join(import.meta.dirname, 'function-host.js');

/** One process of a function, from start to exit. */
export class FunctionSandbox {
  readonly source: string;
  readonly pid: number;
  /** Resolves to true when it accepts invocations, to false if it exits before. */
  readonly loaded: Promise<boolean>;
  readonly ended: Promise<void>;
  readonly #logBuffer: LogBuffer;
  readonly #child: ChildProcess;
  readonly #inFlight = new Map<string, (outcome: InvocationResult) => void>();
  #accepts = true;

  /** `onEnd` runs before anyone who awaits this process is notified of its end. */
  constructor(spec: FunctionSpec, { logBuffer, processReaper }: SandboxRun, onEnd: (sandbox: FunctionSandbox) => void) {
    const { LOCAL_STACK_IMPORT: first } = process.env;
    const imports = first === undefined ? [] : ['--import', first];
    const child = spawn(process.execPath, [...imports, HOST, spec.folder, spec.handler], {
      cwd: spec.folder,
      env: spec.environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Own process group: Ctrl-C in the terminal reaches us, and we stop the child.
      detached: true,
    });
    this.#logBuffer = logBuffer;
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.source = `${spec.name}[${this.pid}]`;
    processReaper.watch(this.pid);
    logBuffer.follow(this.source, child.stdout as NonNullable<ChildProcess['stdout']>);
    logBuffer.follow(this.source, child.stderr as NonNullable<ChildProcess['stderr']>);

    const loaded = Promise.withResolvers<boolean>();
    const ended = Promise.withResolvers<void>();
    this.loaded = loaded.promise;
    this.ended = ended.promise;
    child.on('error', (error) => logBuffer.add(this.source, String(error)));
    child.on('message', (message: HostMessage) => {
      if (message.kind === 'ready') loaded.resolve(true);
      else this.#settle(message.id, outcomeOf(message));
    });
    child.once('exit', (code, signal) => {
      processReaper.forget(this.pid);
      this.#accepts = false;
      onEnd(this);
      logBuffer.add(this.source, `ended: ${signal ?? code}`);
      for (const id of [...this.#inFlight.keys()]) {
        this.#settle(id, { ok: false, error: `Runtime exited: ${signal ?? code}`, timedOut: false });
      }
      loaded.resolve(false);
    });
    // `close` comes after `exit`, when all output has been read.
    child.once('close', () => ended.resolve());
  }

  get accepts(): boolean {
    return this.#accepts;
  }

  /** Settles when the handler returns, the timeout passes, or the process exits. */
  invoke(event: string, timeoutMs: number): Promise<InvocationResult> {
    const id = randomUUID();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const error = `Task timed out after ${timeoutMs / 1000} seconds`;
        this.#logBuffer.add(this.source, error);
        this.#settle(id, { ok: false, error, timedOut: true });
      }, timeoutMs);
      this.#inFlight.set(id, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
      const invocation: Invocation = { id, event, deadlineMs: Date.now() + timeoutMs };
      // If the process is gone, its exit settles the invocation.
      this.#child.send(invocation, () => {});
    });
  }

  /** Accepts no more invocations; exits once those in flight have settled. */
  retire(): void {
    this.#accepts = false;
    if (this.#inFlight.size === 0) this.#child.kill('SIGKILL');
  }

  kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    return this.ended;
  }

  #settle(id: string, outcome: InvocationResult): void {
    this.#inFlight.get(id)?.(outcome);
    this.#inFlight.delete(id);
    if (!this.#accepts && this.#inFlight.size === 0) this.#child.kill('SIGKILL');
  }
}

function outcomeOf(message: Exclude<HostMessage, { kind: 'ready' }>): InvocationResult {
  if (message.kind === 'result') return { ok: true, payload: message.payload };
  return { ok: false, error: message.error, timedOut: false };
}
