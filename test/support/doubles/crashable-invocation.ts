import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** Thrown inside a crashed process; no one outside sees its result. */
class Crash extends Error {
  override name = 'Crash';
}

/** When a call crashes: before it is made, after it took effect but before its reply, or after the reply. */
export const CRASH_MOMENTS = ['before', 'committed', 'replied'] as const;
type CrashMoment = (typeof CRASH_MOMENTS)[number];

/** A crash (or a mere failure) at the nth external call of an invocation. */
export interface InjectedFailure {
  call: number;
  moment: CrashMoment;
  /** `crash`: the process is gone; `fault`: the call fails, and the process continues. */
  kind: 'crash' | 'fault';
}

/** One invocation of a function; every external call passes its gate, where it may crash. */
export class CrashableInvocation {
  /** Names of the external calls begun, in order. */
  readonly points: string[] = [];
  readonly #trouble: InjectedFailure | undefined;
  #dead = false;

  constructor(trouble?: InjectedFailure) {
    this.#trouble = trouble;
  }

  async gate<T>(point: string, call: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new Crash();
    const struck = this.points.push(point) - 1 === this.#trouble?.call ? this.#trouble : undefined;
    if (struck?.moment === 'before') throw this.#strike(struck);
    const reply = await call();
    if (struck?.moment === 'committed') throw this.#strike(struck);
    if (struck?.kind === 'crash') this.#dead = true;
    return reply;
  }

  /** Returns the invocation's result; undefined if the process crashed. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      return this.#dead ? undefined : result;
    } catch (error) {
      if (this.#dead) return undefined;
      throw error;
    }
  }

  /** Wraps an object so that each method call is an external call named `<prefix>.<method>`. */
  wrap<T extends object>(prefix: string, target: T): T {
    return new Proxy(target, {
      get: (object, name, receiver) => {
        const member = Reflect.get(object, name, receiver);
        if (typeof member !== 'function' || typeof name !== 'string') return member;
        return (...args: unknown[]) => this.gate(`${prefix}.${name}`, () => member.apply(object, args));
      },
    });
  }

  #strike(trouble: InjectedFailure): Error {
    if (trouble.kind === 'fault') return new Error(`${trouble.moment}: the service failed`);
    this.#dead = true;
    return new Crash();
  }
}

/**
 * Returns a function that invokes `work` with these AWS clients; each call may crash it. The result includes the calls
 * it began. `change` replaces the input of a call.
 */
export function crashableInvocations(clients: readonly object[], change = (input: object): object => input) {
  let alive = new CrashableInvocation();
  for (const client of clients) {
    // Every client has such a stack, each typed by its own service.
    const { middlewareStack } = client as Pick<DynamoDBClient, 'middlewareStack'>;
    middlewareStack.add(
      (next, { commandName }) =>
        (args) =>
          alive.gate(String(commandName).replace(/Command$/, ''), () =>
            next({ ...args, input: change(args.input) as typeof args.input }),
          ),
      { step: 'initialize', name: 'crash' },
    );
  }
  return async <T>(
    work: () => Promise<T>,
    trouble?: InjectedFailure,
  ): Promise<{ result: T | undefined; points: string[] }> => {
    alive = new CrashableInvocation(trouble);
    const { points } = alive;
    try {
      return { result: await alive.run(work), points };
    } finally {
      alive = new CrashableInvocation();
    }
  };
}

/** Receives without waiting, since nothing else sends to the queue; what a crashed run had in flight shows after a second. */
export const withoutWaiting = (input: object): object =>
  'WaitTimeSeconds' in input ? { ...input, WaitTimeSeconds: 0, VisibilityTimeout: 1 } : input;
