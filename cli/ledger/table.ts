import type { LedgerTable } from '../../lambdas/adapters/table/ledger-table.ts';
import type { Target } from '../target.ts';

/** The target's table, as the adapters take it. */
export const tableOf = (target: Target): LedgerTable => ({
  client: target.clients.table,
  name: target.output('TableName'),
});
