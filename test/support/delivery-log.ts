import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { openClients } from '../../cli/target/clients.ts';
import {
  createDeliveryLog,
  createPublishedDeliveries,
  createReceiverStates,
} from '../../lambdas/adapters/table/publishing.ts';
import { type Delivery, encodeQueuedEvent } from '../../lambdas/domain/publishing/delivery.ts';
import type { LocalStack } from '../../tools/local-ledger/local-ledger.ts';

/** A receiver whose log holds only what a test seeds: no published event matches it. */
export const SEEDED_RECEIVER = { name: 'crm', url: 'http://127.0.0.1:9/', events: { detail: { kind: ['none'] } } };

/** Writes deliveries as publish and deliver do. */
export function openDeliveryLog({ place }: Pick<LocalStack, 'place'>) {
  const { region, awsEndpointUrl: endpoint, accessKeyId, outputs } = place;
  const clients = openClients({ region, endpoint, credentials: { accessKeyId, secretAccessKey: 'local' } });
  const table = { client: clients.table, name: outputs.TableName ?? '' };
  const log = createDeliveryLog(table, { retentionDays: 400 });
  const [{ name: receiver = '', deadLettersUrl = '' } = {}] = JSON.parse(outputs.Receivers ?? '[]') as {
    name?: string;
    deadLettersUrl?: string;
  }[];
  const detailType = 'MessageStatusChanged';
  return {
    states: createReceiverStates(table),
    note: (publishedAt: number, id: string) =>
      createPublishedDeliveries(table, { retentionDays: 400 }).note([
        { delivery: { receiver, publishedAt, id }, detailType, detail: { id } as never },
      ]),
    async write(
      publishedAt: number,
      detail: { id: string; messageId?: string | null },
      delivery: Omit<Delivery, 'version'>,
      response?: string,
    ) {
      const event = { detailType, publishedAt, detail, requestedAt: 0 };
      const name = { receiver, publishedAt, id: detail.id };
      const isOurs = await log.write(name, { ...delivery, version: 1 }, event, response);
      if (!isOurs) throw new Error(`${detail.id} is in the log already`);
    },
    bury: (publishedAt: number, id: string) =>
      clients.queues.send(
        new SendMessageCommand({
          QueueUrl: deadLettersUrl,
          MessageBody: encodeQueuedEvent({ detailType, publishedAt, detail: { id }, requestedAt: 0 }),
        }),
      ),
  };
}
