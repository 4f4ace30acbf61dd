import { z } from 'zod';

/** One line of `doctor --json`: what was looked at, what was found, and what mends it. */
export const doctorLine = z.strictObject({
  event: z.literal('check'),
  check: z.string(),
  /** `skipped`: there is nothing to look at here, such as an AWS account behind the local stack. */
  state: z.enum(['ok', 'warning', 'wrong', 'unknown', 'skipped']),
  says: z.string(),
  /** A command, or what a person is to do; null where nothing is. */
  fix: z.string().nullable(),
});

export type DoctorLine = z.infer<typeof doctorLine>;
export type State = DoctorLine['state'];

export interface Finding {
  readonly state: State;
  readonly says: string;
  readonly fix?: string;
}

/** One thing to look at. An error is told as unknown, with its sentence. */
export interface Check {
  readonly name: string;
  readonly look: () => Promise<Finding>;
}

export const ok = (says: string): Finding => ({ state: 'ok', says });
export const warning = (says: string, fix: string): Finding => ({ state: 'warning', says, fix });
export const wrong = (says: string, fix: string): Finding => ({ state: 'wrong', says, fix });
export const skipped = (says: string): Finding => ({ state: 'skipped', says });
