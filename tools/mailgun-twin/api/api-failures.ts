import { type ApiResponse, FORBIDDEN, refusal } from './api-response.ts';

/** How a call of the API may fail: a 429 tells when to come again in one of three ways; `lost-reply` acts and does not reply. */
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

export type Failure = (typeof FAILURES)[number];

/** Undefined for a failure that spoils a good response. */
export function failureAnswer(failure: Failure, seconds: number, nowMs: number): ApiResponse | undefined {
  const resetMs = nowMs + seconds * 1000;
  const answers: Partial<Record<Failure, ApiResponse>> = {
    '401': FORBIDDEN,
    '429-retry-after': { ...TOO_MANY, headers: { 'retry-after': String(Math.ceil(seconds)) } },
    '429-reset-seconds': { ...TOO_MANY, headers: { 'x-ratelimit-reset': String(Math.ceil(resetMs / 1000)) } },
    '429-reset-milliseconds': { ...TOO_MANY, headers: { 'x-ratelimit-reset': String(Math.ceil(resetMs)) } },
    '500': refusal(500, 'Internal Server Error'),
  };
  return answers[failure];
}

const TOO_MANY = refusal(429, 'Too many requests');
