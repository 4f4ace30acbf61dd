import { OutOfReach, type Place, type Target } from '../target.ts';
import { readSigningKeys } from './stored-keys.ts';

/** Whether another environment verifies with the same key, so that it must learn of a new one. */
export interface Sharing {
  readonly name: string;
  readonly shares: 'yes' | 'no' | 'unknown';
  /** Why it is not known. */
  readonly why: string | null;
}

/**
 * cdk.json does not say which Mailgun account an environment belongs to. Those of one account have one signing key,
 * so the keys tell, where they can be read.
 */
export async function whoShares(
  current: string | undefined,
  names: readonly string[],
  findTarget: (place: Place) => Promise<Target>,
): Promise<Sharing[]> {
  return Promise.all(
    names.map(async (name): Promise<Sharing> => {
      try {
        const { keys } = await readSigningKeys(await findTarget({ kind: 'aws', environment: name }));
        const isSame = current !== undefined && [keys.current, keys.parent].includes(current);
        return { name, shares: isSame ? 'yes' : 'no', why: null };
      } catch (error) {
        if (!(error instanceof OutOfReach)) throw error;
        return { name, shares: 'unknown', why: error.message };
      }
    }),
  );
}
