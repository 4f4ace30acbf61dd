import type { Row, StatusRow } from '../domain/published.ts';
import type { Item } from './stored-items.ts';
import { storedSuppression } from './stored-suppression.ts';

/** An item as a row; undefined where it is neither a status nor a suppression. */
export function rowOf(item: Readonly<Item>): Row | undefined {
  const { pk, sk, recipient = '' } = item;
  const common = { partition: pk as string, sort: sk as string, recipient: recipient as string };
  if (typeof item.order === 'string') {
    const { order, status = null, reason = null, statusAt, decidedBy, domain = null } = item as unknown as StatusItem;
    return { type: 'status', ...common, order, status, reason, statusAtMs: statusAt, decidedBy, domain };
  }
  if (!common.partition?.startsWith('SUP#') || typeof item.since !== 'number') return undefined;
  return { type: 'suppression', ...common, ...storedSuppression(item) };
}

type StatusItem = Omit<StatusRow, 'statusAtMs'> & { readonly statusAt: number };
