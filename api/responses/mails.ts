import * as z from 'zod/mini';
import { recipientMessage, searched } from './recipient.ts';
import { described, epochSeconds, name, next } from './schema.ts';

const mail = name(
  'Mail',
  z.extend(recipientMessage, {
    recipient: described('As sent; null if the events name none.', z.nullable(z.string())),
    acceptedAt: described('Epoch seconds of the `accepted` event by which it was found.', epochSeconds),
  }),
);

const mailsResponse = name('Mails', z.object({ mails: z.array(mail), searched, next }));

export type MailEntry = z.infer<typeof mail>;
export type MailsResponse = z.infer<typeof mailsResponse>;
