import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { deliveryHour, deliveryKey } from '../../../domain/keys.ts';
import type { LoggedDelivery } from '../../../domain/publishing/delivery.ts';
import type { DeliveryHistory, DeliveryPlace } from '../../../read-api/ports.ts';
import type { LedgerTable } from '../ledger-table.ts';
import { loggedDelivery } from './delivery-repository.ts';

/** Hours without deliveries cost a query each. */
const MAX_QUERIES = 48;

/** The delivery log as the read API reads it: one query for each hour, newest first. */
export function createDeliveryHistory({ client, name }: LedgerTable): DeliveryHistory {
  /** Reads at most `limit` deliveries of the hour in which the place is, or which ends with it. */
  async function readHour(receiver: string, hour: number, fromSeconds: number, limit: number, after: DeliveryPlace) {
    const { pk } = deliveryKey(receiver, hour, '');
    const before = deliveryKey(receiver, after.publishedAt, after.id).sk;
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: name,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :before',
        ExpressionAttributeValues: {
          ':pk': pk,
          ':from': deliveryKey(receiver, Math.max(hour, fromSeconds), '').sk,
          ':before': before,
        },
        ScanIndexForward: false,
        // One for the place itself.
        Limit: limit + 1,
      }),
    );
    const deliveries = Items.filter(({ sk }) => sk !== before).flatMap((item) => loggedDelivery(item) ?? []);
    const isLast = LastEvaluatedKey === undefined && deliveries.length <= limit;
    return { deliveries: deliveries.slice(0, limit), isLast };
  }

  return {
    async newest(receiver, fromSeconds, limit, after) {
      const deliveries: LoggedDelivery[] = [];
      let place = after;
      for (let queries = 0; queries < MAX_QUERIES && deliveries.length < limit; queries += 1) {
        // With no id the place is before its second, so that at the start of an hour it belongs to the hour before.
        const hour = deliveryHour(place.id === '' ? place.publishedAt - 1 : place.publishedAt);
        const page = await readHour(receiver, hour, fromSeconds, limit - deliveries.length, place);
        deliveries.push(...page.deliveries);
        const last = page.deliveries.at(-1)?.name;
        place = page.isLast || last === undefined ? { publishedAt: hour, id: '' } : placeOf(last);
        if (place.id === '' && place.publishedAt <= fromSeconds) return { deliveries, next: undefined };
      }
      return { deliveries, next: place };
    },
  };
}

const placeOf = ({ publishedAt, id }: DeliveryPlace): DeliveryPlace => ({ publishedAt, id });
