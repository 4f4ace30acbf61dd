import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { asciiJson } from '../../domain/json.ts';
import type { EventBus, PublishFailures } from '../../publish/ports.ts';
import { AWS_CLIENT_CONFIG, namesCalls } from './aws-client.ts';

const SOURCE = 'mailgun-ledger';

/** Error codes of EventBridge for an event that it will never take. */
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
            ...(changedAtMs !== undefined && { Time: new Date(changedAtMs) }),
            Detail: JSON.stringify(detail),
          })),
        }),
      );
      return events.map((_, index) => {
        const { EventId, ErrorCode = 'NoAnswer' } = Entries[index] ?? {};
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
