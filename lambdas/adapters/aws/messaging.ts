import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { DEAD_LETTER_ATTRIBUTES } from '../../contract.ts';
import type { ReceiverQueue } from '../../deliver/ports.ts';
import { encodeQueueMessage, messageGroupOf } from '../../domain/events/queue-message.ts';
import { asciiJson } from '../../domain/json.ts';
import type { EventSender } from '../../ingest/ports.ts';
import type { EventBus, PublishFailures } from '../../publish/ports.ts';
import type { QueueDepth } from '../../reconcile/ports.ts';
import { AWS_CLIENT_CONFIG, namesCalls } from '../../runtime/aws-client.ts';

export function openQueues(): SQSClient {
  return namesCalls(new SQSClient(AWS_CLIENT_CONFIG));
}

/** Creates the queue from ingest, reconcile or its replays to process. */
export function createEventQueue(client: SQSClient, queueUrl: string, isReplay = false): EventSender {
  return {
    async send(message) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: encodeQueueMessage(message),
          MessageGroupId: messageGroupOf(message, isReplay),
        }),
      );
    },
  };
}

const DEPTHS: QueueAttributeName[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];

/** Reads the queue's own approximate message counts. */
export function createQueueDepth(client: SQSClient, queueUrl: string): QueueDepth {
  return {
    async messages() {
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: DEPTHS }),
      );
      return DEPTHS.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0);
    },
  };
}

/** The consumer's side of a queue: later retries, and the DLQ. */
interface RetryControl {
  /** Hides a received message for this long. */
  changeVisibility(receiptHandle: string, seconds: number): Promise<void>;
  /** Sends a body that can never be processed to the DLQ, with the reason and a detail, which names no person. */
  sendToDlq(body: string, reason: string, detail?: string): Promise<void>;
}

export function createRetryControl(client: SQSClient, queueUrl: string, deadLettersUrl: string): RetryControl {
  return {
    async changeVisibility(receiptHandle, seconds) {
      await client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queueUrl,
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: seconds,
        }),
      );
    },

    async sendToDlq(body, reason, detail) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: deadLettersUrl,
          MessageBody: body,
          MessageAttributes: {
            [DEAD_LETTER_ATTRIBUTES.reason]: { DataType: 'String', StringValue: reason },
            ...(detail !== undefined && {
              [DEAD_LETTER_ATTRIBUTES.detail]: { DataType: 'String', StringValue: detail },
            }),
          },
        }),
      );
    },
  };
}

/** Creates the queue of a receiver with its DLQ. */
export function createReceiverQueue(client: SQSClient, queueUrl: string, deadLettersUrl: string): ReceiverQueue {
  return {
    ...createRetryControl(client, queueUrl, deadLettersUrl),

    async send(body, delaySeconds) {
      const message = { QueueUrl: queueUrl, MessageBody: body, DelaySeconds: delaySeconds };
      await client.send(new SendMessageCommand(message));
    },
  };
}

const SOURCE = 'mailgun-ledger';

/** Error codes of EventBridge for an event that it will never accept. */
const REFUSALS = new Set(['InvalidArgument', 'MalformedDetail', 'ValidationException']);

export function openEventBridge(): EventBridgeClient {
  return namesCalls(new EventBridgeClient(AWS_CLIENT_CONFIG));
}

/** Puts events on a bus, by its name or ARN. */
export function createEventBus(client: EventBridgeClient, busName: string): EventBus {
  return {
    async put(events) {
      const { Entries = [] } = await client.send(
        new PutEventsCommand({
          Entries: events.map(({ detailType, detail, changedAtMs }) => ({
            EventBusName: busName,
            Source: SOURCE,
            DetailType: detailType,
            Time: new Date(changedAtMs),
            Detail: JSON.stringify(detail),
          })),
        }),
      );
      return events.map((_, index) => {
        const { EventId, ErrorCode = 'NoReply' } = Entries[index] ?? {};
        if (EventId !== undefined) return undefined;
        return { kind: REFUSALS.has(ErrorCode) ? 'refused' : 'failed', reason: ErrorCode };
      });
    },
  };
}

/** Creates the failure queue of publish: the whole event as body, the reason as an attribute. */
export function createPublishFailures(client: SQSClient, queueUrl: string): PublishFailures {
  return {
    async keep({ detailType, detail }, reason) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: asciiJson({ source: SOURCE, detailType, detail }),
          MessageAttributes: { reason: { DataType: 'String', StringValue: reason } },
        }),
      );
    },
  };
}
