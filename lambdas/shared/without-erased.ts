import { type RecipientMail, unnamed } from '../domain/campaign/recipient-mail.ts';
import type { ErasureMarkers } from './ports.ts';

/** Maximum number of addresses checked for erasure by one call. */
const LOOK_UP = 100;

/** Returns mails without the names of people whose erasure has not come to the archive yet. */
export async function withoutErased(
  mails: readonly RecipientMail[],
  erasures: ErasureMarkers,
): Promise<RecipientMail[]> {
  const named = [...new Set(mails.flatMap(({ recipient }) => recipient ?? []))];
  const erased = new Set<string>();
  for (let from = 0; from < named.length; from += LOOK_UP)
    for (const address of await erasures.among(named.slice(from, from + LOOK_UP))) erased.add(address);
  return mails.map((mail) => (mail.recipient !== null && erased.has(mail.recipient) ? unnamed(mail) : mail));
}
