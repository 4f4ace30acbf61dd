import { OutOfReach } from '../target.ts';

/** What one call of the publish function answers. */
export interface PublishAnswer extends PublishSums {
  readonly state: string;
  readonly done: boolean;
  readonly nextFromMs: number;
  readonly reason?: string;
}

export interface PublishSums {
  /** Stored events looked at. */
  readonly events: number;
  readonly statuses: number;
  readonly suppressions: number;
  readonly refused: number;
}

export const NO_SUMS: PublishSums = { events: 0, statuses: 0, suppressions: 0, refused: 0 };

const SUMS = Object.keys(NO_SUMS) as (keyof PublishSums)[];

/** The sums of both. */
export function addSums(a: PublishSums, b: PublishSums): PublishSums {
  return Object.fromEntries(SUMS.map((name) => [name, a[name] + b[name]])) as unknown as PublishSums;
}

/** Checks the answer: the stack may be of another version than this command. */
export function readAnswer(value: unknown): PublishAnswer {
  const answer = value as PublishAnswer | null;
  const isNumber = (name: keyof PublishAnswer) => typeof answer?.[name] === 'number';
  if (typeof answer?.state === 'string' && [...SUMS, 'nextFromMs' as const].every(isNumber)) return answer;
  throw new OutOfReach('the stack answers otherwise than this version expects; deploy this version first');
}
