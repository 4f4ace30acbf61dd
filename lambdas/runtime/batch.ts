import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/**
 * Handles the records of a batch side by side and reports those that failed, so that one cannot fail its
 * neighbours. `onFailure` may arrange the retry; should it fail too, the queue's own visibility timeout counts.
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
