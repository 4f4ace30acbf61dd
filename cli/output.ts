import type { Writable } from 'node:stream';
import { canBeTyped, shellWord } from '../lambdas/domain/shell-word.ts';
import { type CliContext, targetRefText } from './command.ts';
import type { Deployment } from './target/types.ts';

/** Where a command prints its result, and how it goes. */
export type Output = Pick<CliContext, 'print' | 'printError'>;

/** Prints the same result: a JSON line with `--json`, lines for people otherwise. */
export type Emit<Line> = (line: Line, ...text: string[]) => void;

export function createEmit<Line>({ print }: Pick<CliContext, 'print'>, json = false): Emit<Line> {
  return (line, ...text) => {
    if (json) print(JSON.stringify(line));
    else for (const each of text) print(each);
  };
}

/** Prints how a command goes: a JSON line among the others with `--json`, lines for people to standard error otherwise. */
export function createProgressEmit<Line>({ print, printError }: Output, json = false): Emit<Line> {
  return createEmit<Line>({ print: json ? print : printError }, json);
}

/** `12,345` */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `3 events`, `1 event`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const UNITS: readonly [seconds: number, name: string][] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `2026-11-22 08:00:05 UTC (3 min ago)` */
export function timeAgo(ms: number, nowMs: number): string {
  return `${utc(ms)} (${ago(ms, nowMs)})`;
}

/** `2026-11-22 08:00:05 UTC` */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Returns the line that goes with the time of an alarm: a local stack may evaluate its alarms in faster minutes. */
export function alarmClock({ ref }: Pick<Deployment, 'ref'>): string[] {
  return ref.kind === 'local'
    ? ['Times of alarms are those of AWS; where the local stack runs its minutes faster, they end sooner.']
    : [];
}

/** `3 min ago` */
export function ago(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  const [unit, name] = UNITS.find(([size]) => seconds >= size) ?? [1, 's'];
  return `${Math.floor(seconds / unit)} ${name} ago`;
}

/** Lines to a stream that may be slow, or that its reader may leave early. */
interface OutputStream {
  readonly print: (line: string) => void;
  /** Resolves when the reader has everything, or has left. */
  readonly flushed: () => Promise<void>;
}

/**
 * Opens it; `onClosed` is called once when no more can be written: with an error, or without one where the reader leaves
 * before the end, as `head` does.
 */
export function openOutputStream(stream: Writable, onClosed: (error?: NodeJS.ErrnoException) => void): OutputStream {
  let isClosed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!isClosed) onClosed(error.code === 'EPIPE' ? undefined : error);
    isClosed = true;
  });
  return {
    print(line) {
      if (!isClosed) stream.write(`${line}\n`);
    },
    // The callback of a write runs after those of all earlier writes, and with an error once the reader has left.
    flushed: () => new Promise((resolve) => (isClosed ? resolve() : stream.write('', () => resolve()))),
  };
}

const PROGRESS_INTERVAL_MS = 5000;

/** Returns a function that reports at most every few seconds. */
export function createProgress({ now }: Pick<CliContext, 'now'>) {
  let reportedAtMs = now();
  return (report: () => void) => {
    if (now() - reportedAtMs < PROGRESS_INTERVAL_MS) return;
    reportedAtMs = now();
    report();
  };
}

/** Returns entries by their key, in the order of the first of each: Map.groupBy, which Node 20 lacks. */
export function groupBy<Key, Entry>(entries: Iterable<Entry>, keyOf: (entry: Entry) => Key): Map<Key, Entry[]> {
  const groups = new Map<Key, Entry[]>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return groups;
}

/** Returns a command on the same deployment to paste; undefined where an argument holds what no terminal shows. */
export function printedCommand(deployment: Pick<Deployment, 'ref'>, words: string): string;
export function printedCommand(
  deployment: Pick<Deployment, 'ref'>,
  words: string,
  ...args: string[]
): string | undefined;
export function printedCommand({ ref }: Pick<Deployment, 'ref'>, words: string, ...args: string[]): string | undefined {
  if (!args.every(canBeTyped)) return undefined;
  // Behind `--` nothing is an option.
  const end = args.some((arg) => arg.startsWith('-')) ? ['--'] : [];
  return ['npm run ledger --', words, targetRefText(ref), ...end, ...args.map(shellWord)].join(' ');
}

/** Returns text without control characters. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
}
