import type { RefusalReason } from './ingest.ts';

/** The status of each refusal, by its reason; each reason is a series of the metric of refusals. */
export const STATUS_CODES: Record<RefusalReason | 'deadline' | 'internal-error', number> = {
  'body-too-large': 413,
  'malformed-body': 400,
  'malformed-webhook': 400,
  unauthorized: 401,
  stale: 406,
  'not-an-event': 406,
  'foreign-domain': 406,
  'token-reused': 406,
  'signing-key-unset': 503,
  'signing-key-unreadable': 503,
  'table-unavailable': 503,
  'queue-unavailable': 503,
  deadline: 503,
  'internal-error': 503,
};
