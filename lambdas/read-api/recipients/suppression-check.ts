import type { SuppressionCheckResponse, SuppressionsResponse } from '../../../api/responses/suppressions.ts';
import { eachOf, READS_AT_ONCE } from '../../domain/concurrency.ts';
import type { SuppressionQuery } from './suppressions.ts';

interface SuppressionCheckQuery extends Omit<SuppressionQuery, 'recipient'> {
  addresses: readonly string[];
}

/** Returns the suppressions of many addresses in order: one read of the table per distinct address. */
export function createSuppressionCheck(suppressionsOf: (query: SuppressionQuery) => Promise<SuppressionsResponse>) {
  return async ({ addresses, ...scope }: SuppressionCheckQuery): Promise<SuppressionCheckResponse> => {
    const found = new Map<string, SuppressionsResponse>();
    await eachOf(new Set(addresses), READS_AT_ONCE, async (recipient) => {
      found.set(recipient, await suppressionsOf({ recipient, ...scope }));
    });
    const recipients = addresses.map((address) => found.get(address) as SuppressionsResponse);
    return { recipients, suppressed: recipients.filter(({ suppressed }) => suppressed).length };
  };
}
