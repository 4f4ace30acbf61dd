import * as z from 'zod/mini';
import { count, described, name } from './schema.ts';

const alarm = name(
  'Alarm',
  z.object({
    name: z.string(),
    state: described('`INSUFFICIENT_DATA`: not evaluated yet.', z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA'])),
    since: described('When it entered this state; null if unknown.', z.nullable(z.iso.datetime())),
    happened: z.nullable(z.string()),
    impact: described('Who is affected, and how.', z.nullable(z.string())),
    explains: described('Other alarms that the same cause triggers.', z.array(z.string())),
    runbook: described('URL of its section in the runbook.', z.nullable(z.string())),
    first: described('The first command to type.', z.nullable(z.string())),
  }),
);

export type AlarmEntry = z.infer<typeof alarm>;

const healthResponse = name(
  'Health',
  z.object({
    ledger: described('The name of the stack.', z.string()),
    domains: described('Null if the table does not respond.', z.nullable(z.array(z.string()))),
    receivers: described('Names of the receivers; empty if there are none.', z.array(z.string())),
    queue: z.nullable(count('Events on their way to the table.')),
    deadLetters: z.nullable(count('Events in the dead-letter queue.')),
    alarms: described(
      'The alarms of the stack, those in state `ALARM` first; null if CloudWatch does not respond.',
      z.nullable(z.array(alarm)),
    ),
  }),
);

export type HealthResponse = z.infer<typeof healthResponse>;
