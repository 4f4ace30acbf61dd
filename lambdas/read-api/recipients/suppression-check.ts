import type { SuppressionCheckResponse, SuppressionsResponse } from '../../../api/responses/suppressions.ts';
import { eachOf } from '../../domain/concurrency.ts';
import type { SuppressionQuery } from './suppressions.ts';

export interface SuppressionCheckQuery extends Omit<SuppressionQuery, 'recipient'> {
  addresses: readonly string[];
}

/** Reads at once; the SDK keeps as many connections open. */
const AT_ONCE = 50;

/** Says of many addresses what is said of one, in their order: one read of the table for each different address. */
export function createSuppressionCheck(suppressionsOf: (query: SuppressionQuery) => Promise<SuppressionsResponse>) {
  return async ({ addresses, ...scope }: SuppressionCheckQuery): Promise<SuppressionCheckResponse> => {
    const found = new Map<string, SuppressionsResponse>();
    await eachOf(new Set(addresses), AT_ONCE, async (recipient) => {
      found.set(recipient, await suppressionsOf({ recipient, ...scope }));
    });
    const recipients = addresses.map((address) => found.get(address) as SuppressionsResponse);
    return { recipients, suppressed: recipients.filter(({ suppressed }) => suppressed).length };
  };
}
