import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { timeKey, witnessKey, witnessStateKey } from '../../../domain/keys.ts';
import { WITNESS_KEPT_SECONDS, type WitnessHour } from '../../../domain/ledger/witness.ts';
import type { WitnessReader } from '../../../read-api/ports.ts';
import type { WitnessState, WitnessStore } from '../../../reconcile/ports.ts';
import { conditionalWrite, type LedgerTable, readPartition } from '../ledger-table.ts';

/** Mailgun's own counts as items `WITNESS#<domain>` by the hour; TTL removes them once they judge nothing. */
export function createWitnessTable(table: LedgerTable): WitnessStore {
  const { client, name } = table;
  return {
    async readState(domain) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: witnessStateKey(domain), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      // States of before have no failed webhooks.
      const { since, until, calledAt, calls, failedWebhooks = 0 } = Item as unknown as WitnessState;
      return { since, until, calledAt, calls, failedWebhooks };
    },

    async moveState(domain, moved, previous) {
      return conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...witnessStateKey(domain), ...moved },
            ConditionExpression: previous ? 'calledAt = :calledAt AND calls = :calls' : 'attribute_not_exists(pk)',
            ...(previous && {
              ExpressionAttributeValues: { ':calledAt': previous.calledAt, ':calls': previous.calls },
            }),
          }),
        ),
      );
    },

    async hours(domain, from, to) {
      const found: WitnessHour[] = [];
      if (from >= to) return found;
      const range = { from: timeKey(from), to: timeKey(to - 1) };
      for await (const item of readPartition(table, witnessKey(domain, 0).pk, range)) {
        const { start, counts, failedWebhooks } = item as unknown as WitnessHour;
        found.push({ start, counts, failedWebhooks });
      }
      return found;
    },

    async put(domain, hour) {
      const expiresAt = hour.start + WITNESS_KEPT_SECONDS + 86_400;
      const Item = { ...witnessKey(domain, hour.start), ...hour, expiresAt };
      await client.send(new PutCommand({ TableName: name, Item }));
    },
  };
}

/** Reads Mailgun's own counts for those that compare. */
export function createWitnessReader(table: LedgerTable): WitnessReader {
  const store = createWitnessTable(table);
  return {
    async read(domain, from, to) {
      const [state, hours] = await Promise.all([store.readState(domain), store.hours(domain, from, to)]);
      return state && { since: state.since, until: state.until, hours };
    },
  };
}
