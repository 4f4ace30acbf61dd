import { type ApiResponse, FORBIDDEN, refusal } from './api-response.ts';

/**
 * Ways in which an API call fails: a 429 gives the time to retry in one of three forms; `lost-reply` performs the call
 * without a reply.
 */
export const FAILURES = [
  '401',
  '429-retry-after',
  '429-reset-seconds',
  '429-reset-milliseconds',
  '500',
  'hang',
  'truncate',
  'lost-reply',
] as const;

export type ApiFailure = (typeof FAILURES)[number];

/** Returns the failed response; undefined for a failure that corrupts a successful one. */
export function failureResponse(failure: ApiFailure, seconds: number, nowMs: number): ApiResponse | undefined {
  const resetMs = nowMs + seconds * 1000;
  const responses: Partial<Record<ApiFailure, ApiResponse>> = {
    '401': FORBIDDEN,
    '429-retry-after': { ...TOO_MANY, headers: { 'retry-after': String(Math.ceil(seconds)) } },
    '429-reset-seconds': { ...TOO_MANY, headers: { 'x-ratelimit-reset': String(Math.ceil(resetMs / 1000)) } },
    '429-reset-milliseconds': { ...TOO_MANY, headers: { 'x-ratelimit-reset': String(Math.ceil(resetMs)) } },
    '500': refusal(500, 'Internal Server Error'),
  };
  return responses[failure];
}

const TOO_MANY = refusal(429, 'Too many requests');
