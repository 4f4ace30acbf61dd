import type { World } from './command.ts';

/** Prints one and the same answer: a JSON line with `--json`, lines for people otherwise. */
export type Tell<Line> = (line: Line, ...text: string[]) => void;

export function createTell<Line>({ print }: Pick<World, 'print'>, json = false): Tell<Line> {
  return (line, ...text) => {
    if (json) print(JSON.stringify(line));
    else for (const each of text) print(each);
  };
}

/** `12,345` */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** `3 events`, `1 event`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
