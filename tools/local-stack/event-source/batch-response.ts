import { isRecord } from '../template/template.ts';

/**
 * Returns the ids of messages that a function reports as failed. As in Lambda, no report means that all succeeded, and
 * a malformed one that all failed.
 */
export function failedMessages(payload: string, batch: readonly string[]): ReadonlySet<string> {
  const all = new Set(batch);
  const response: unknown = JSON.parse(payload);
  if (response === null || response === '') return new Set();
  if (!isRecord(response)) return all;
  const failures = response.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return all;
  const failed = new Set<string>();
  for (const failure of failures) {
    const id = isRecord(failure) ? failure.itemIdentifier : undefined;
    if (typeof id !== 'string' || !all.has(id)) return all;
    failed.add(id);
  }
  return failed;
}
