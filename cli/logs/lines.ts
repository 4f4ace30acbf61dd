import { z } from 'zod';
import type { LogEntry } from '../target.ts';
import { iso } from '../time.ts';

/** The lines of `logs --json`; `facts` is the line as it was logged. */
export const logsLine = z.strictObject({
  event: z.literal('log'),
  at: z.iso.datetime(),
  facts: z.record(z.string(), z.unknown()),
});

export type LogsLine = z.infer<typeof logsLine>;

/** What CloudWatch needs, and people do not. */
const NOT_FOR_PEOPLE = ['_aws', 'message', 'Ledger', 'Reason', 'time'];

/** A line for people: time, message, facts. */
export function logText({ atMs, facts }: LogEntry): string {
  const rest = Object.entries(facts)
    .filter(([name, value]) => !NOT_FOR_PEOPLE.includes(name) && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const message = typeof facts.message === 'string' ? [facts.message] : [];
  return [iso(atMs), ...message, ...rest].join('  ');
}
