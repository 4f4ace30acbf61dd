import * as z from 'zod/mini';
import { recipientMessage, searched } from './recipient.ts';
import { epochSeconds, name, next, says } from './schema.ts';

const mail = name(
  'Mail',
  z.extend(recipientMessage, {
    recipient: says('As sent; null where the events name none.', z.nullable(z.string())),
    acceptedAt: says('Epoch seconds of the `accepted` event by which it was found.', epochSeconds),
  }),
);

export const mailsResponse = name('Mails', z.object({ mails: z.array(mail), searched, next }));

export type MailEntry = z.infer<typeof mail>;
export type MailsResponse = z.infer<typeof mailsResponse>;
