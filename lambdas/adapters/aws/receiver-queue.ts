import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { DEAD_LETTER_ATTRIBUTES } from '../../contract.ts';
import type { ReceiverQueue } from '../../deliver/ports.ts';

/** The queue of a receiver and its DLQ. */
export function createReceiverQueue(client: SQSClient, queueUrl: string, deadLettersUrl: string): ReceiverQueue {
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

    async send(body, delaySeconds) {
      const message = { QueueUrl: queueUrl, MessageBody: body, DelaySeconds: delaySeconds };
      await client.send(new SendMessageCommand(message));
    },

    async sendToDlq(body, reason) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: deadLettersUrl,
          MessageBody: body,
          MessageAttributes: { [DEAD_LETTER_ATTRIBUTES.reason]: { DataType: 'String', StringValue: reason } },
        }),
      );
    },
  };
}
