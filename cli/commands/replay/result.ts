import { TargetUnavailableError } from '../../errors.ts';

/** What one call of the reconcile function answers. */
export interface ReplayResult extends ReplayCounts {
  readonly state: string;
  readonly done: boolean;
  readonly nextFromEpochSeconds: number;
  readonly reason?: string;
  readonly progress?: unknown;
}

export interface ReplayCounts {
  readonly slices: number;
  readonly newSlices: number;
  readonly changedSlices: number;
  readonly expected: number;
  readonly missing: number;
  readonly sent: number;
  readonly stuck: number;
  readonly unreachable: number;
}

export const NO_COUNTS: ReplayCounts = {
  slices: 0,
  newSlices: 0,
  changedSlices: 0,
  expected: 0,
  missing: 0,
  sent: 0,
  stuck: 0,
  unreachable: 0,
};

const COUNTS = Object.keys(NO_COUNTS) as (keyof ReplayCounts)[];

/** Checks the answer: the stack may be of another version than this command. */
export function parseResult(value: unknown): ReplayResult {
  const answer = value as ReplayResult | null;
  const isNumber = (name: keyof ReplayResult) => typeof answer?.[name] === 'number';
  if (typeof answer?.state === 'string' && [...COUNTS, 'nextFromEpochSeconds' as const].every(isNumber)) return answer;
  throw new TargetUnavailableError('the stack knows no replay; deploy this version first');
}
