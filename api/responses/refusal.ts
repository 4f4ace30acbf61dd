import * as z from 'zod/mini';
import { described, name } from './schema.ts';

/** Every refusal except that of a parameter. */
const refusal = name(
  'Refusal',
  z.object({
    ok: z.literal(false),
    reason: z.enum(['unauthorized', 'unknown-message', 'unknown-route', 'method-not-allowed', 'unavailable']),
  }),
);

const badParameter = name(
  'BadParameter',
  z.object({
    ok: z.literal(false),
    reason: z.literal('bad-parameter'),
    parameter: described('Name of the parameter; `body` if a search is not a JSON object.', z.string()),
    message: described('What is valid, as text for people.', z.string()),
  }),
);

/** The gateway's own response. */
name('GatewayMessage', z.object({ message: z.string() }));

export type Refusal = z.infer<typeof refusal>;
export type BadParameterRefusal = z.infer<typeof badParameter>;
