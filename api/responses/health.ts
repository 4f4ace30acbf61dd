import * as z from 'zod/mini';
import { count, name, says } from './schema.ts';

const alarm = name(
  'Alarm',
  z.object({
    name: z.string(),
    state: says('`INSUFFICIENT_DATA`: not judged yet.', z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA'])),
    since: says('Since when it is in this state; null where that is not known.', z.nullable(z.iso.datetime())),
    happened: z.nullable(z.string()),
    impact: says('Who is hurt, and how.', z.nullable(z.string())),
    explains: says('Other alarms that the same cause sets off.', z.array(z.string())),
    runbook: says('Where the runbook has its heading.', z.nullable(z.string())),
    first: says('The first command to type.', z.nullable(z.string())),
  }),
);

export type AlarmEntry = z.infer<typeof alarm>;

export const healthResponse = name(
  'Health',
  z.object({
    ledger: says('The name of the stack.', z.string()),
    domains: z.array(z.string()),
    receivers: says('The names of the receivers; empty where it has none.', z.array(z.string())),
    queue: z.nullable(count('Events on their way to the table.')),
    deadLetters: z.nullable(count('Events in the dead-letter queue.')),
    alarms: says(
      'The alarms of the stack, those that are on first; null where CloudWatch does not respond.',
      z.nullable(z.array(alarm)),
    ),
  }),
);

export type HealthResponse = z.infer<typeof healthResponse>;
