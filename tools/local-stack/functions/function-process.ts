import { FunctionSandbox, type FunctionSpec, type InvocationResult, type SandboxRun } from './function-sandbox.ts';

/**
 * Lambda starts a sandbox per concurrent invocation; here one process runs them all, up to the concurrency of a new AWS
 * account. More invocations wait.
 */
const MAX_CONCURRENCY = 10;

/** A function in a process of its own, replaced when it crashes or times out. */
export class FunctionProcess {
  readonly spec: FunctionSpec;
  readonly #run: SandboxRun;
  readonly #onOutcome: (outcome: InvocationResult) => void;
  readonly #sandboxes = new Set<FunctionSandbox>();
  readonly #waiting: (() => void)[] = [];
  #current: FunctionSandbox;
  #free = MAX_CONCURRENCY;
  #stopping = false;

  /** `onOutcome` is called with the outcome of each invocation. */
  constructor(spec: FunctionSpec, run: SandboxRun, onOutcome: (outcome: InvocationResult) => void = () => {}) {
    this.spec = spec;
    this.#run = run;
    this.#onOutcome = onOutcome;
    this.#current = this.#start();
  }

  get pid(): number {
    return this.#current.pid;
  }

  /** Resolves when the bundle is loaded; rejects with the process's output if it does not load. */
  async loaded(): Promise<void> {
    const { source, loaded, ended } = this.#current;
    if (await loaded) return;
    await ended;
    const said = this.#run.logBuffer.lines().filter((entry) => entry.source === source);
    throw new Error(`${this.spec.name} does not load:\n${said.map(({ line }) => line).join('\n')}`);
  }

  /** Invokes the handler with an event (JSON); waits for a process that is still starting. */
  async invoke(event: string): Promise<InvocationResult> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#invokeNow(event);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }

  /** Kills every process of this function, without replacement. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#sandboxes].map((sandbox) => sandbox.kill()));
  }

  async #invokeNow(event: string): Promise<InvocationResult> {
    while (!this.#stopping) {
      const sandbox = this.#current;
      if (!(await sandbox.loaded) || !sandbox.accepts) continue;
      const outcome = await sandbox.invoke(event, this.spec.timeoutMs);
      if (!outcome.ok && outcome.timedOut) this.#replace(sandbox);
      this.#onOutcome(outcome);
      return outcome;
    }
    return { ok: false, error: 'stopping', timedOut: false };
  }

  /** A timed-out process gets no more invocations; others in flight may still succeed. */
  #replace(sandbox: FunctionSandbox): void {
    sandbox.retire();
    if (sandbox === this.#current && !this.#stopping) this.#current = this.#start();
  }

  #start(): FunctionSandbox {
    const sandbox = new FunctionSandbox(this.spec, this.#run, (ended) => {
      this.#sandboxes.delete(ended);
      if (ended === this.#current && !this.#stopping) this.#current = this.#start();
    });
    this.#sandboxes.add(sandbox);
    return sandbox;
  }
}
