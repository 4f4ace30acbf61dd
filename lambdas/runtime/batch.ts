import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/**
 * Handles the records of a batch concurrently and returns those that failed, so that one record cannot fail the others.
 * `onFailure` may arrange the retry; if it fails too, the queue's visibility timeout applies.
 */
export async function handleBatch(
  event: SQSEvent,
  handleRecord: (record: SQSRecord) => Promise<void>,
  onFailure: (record: SQSRecord, error: unknown) => Promise<void>,
): Promise<SQSBatchResponse> {
  const failed = await Promise.all(
    event.Records.map(async (record) => {
      try {
        await handleRecord(record);
        return [];
      } catch (error) {
        await onFailure(record, error).catch(() => {});
        return [{ itemIdentifier: record.messageId }];
      }
    }),
  );
  return { batchItemFailures: failed.flat() };
}
