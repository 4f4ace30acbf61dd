import * as z from 'zod/mini';
import { epochSeconds, name, next, says, status } from './schema.ts';

const recipientMessage = name(
  'RecipientMessage',
  z.object({
    messageId: says('Null for events that belong to no message.', z.nullable(z.string())),
    status,
    reason: z.nullable(z.string()),
    statusAt: epochSeconds,
  }),
);

export const recipientResponse = name(
  'RecipientMessages',
  z.object({ recipient: says('The address that was read.', z.string()), messages: z.array(recipientMessage), next }),
);

export type RecipientMessageEntry = z.infer<typeof recipientMessage>;
export type RecipientResponse = z.infer<typeof recipientResponse>;
