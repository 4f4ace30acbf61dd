import { DYNOXIDE } from '../../../tools/local-stack/engines/dynoxide.ts';
import type { EngineName } from '../../../tools/local-stack/engines/engine-program.ts';

/**
 * Returns dynoxide for the stack of a test, also where a function consumes its stream: a test ends long before dynoxide
 * slows down, and DynamoDB Local computes for 8 s or more. Returns undefined, so that the product chooses, where
 * `LEDGER_ENGINE` names an engine or dynoxide cannot run.
 */
export async function shortLivedEngine(environment = process.env): Promise<EngineName | undefined> {
  const isNamed = (environment.LEDGER_ENGINE ?? '') !== '';
  return isNamed || (await DYNOXIDE.whyNot()) !== undefined ? undefined : DYNOXIDE.name;
}
