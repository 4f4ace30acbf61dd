import * as z from 'zod/mini';
import { count, name, says } from './schema.ts';

export const healthResponse = name(
  'Health',
  z.object({
    ledger: says('The name of the stack.', z.string()),
    domains: z.array(z.string()),
    queue: z.nullable(count('Events on their way to the table.')),
    deadLetters: z.nullable(count('Events in the dead-letter queue.')),
    alarms: says(
      'Names of the alarms that ring; null, since this API does not read CloudWatch.',
      z.nullable(z.array(z.string())),
    ),
  }),
);

export type HealthResponse = z.infer<typeof healthResponse>;
