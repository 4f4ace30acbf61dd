/** One line of `doctor --json`: what was looked at, what was found, and what fixes it. */
export interface DoctorLine {
  readonly event: 'check';
  readonly check: string;
  /** `skipped`: there is nothing to look at here, such as an AWS account behind the local stack. */
  readonly state: 'ok' | 'warning' | 'wrong' | 'unknown' | 'skipped';
  readonly says: string;
  /** A command, or what a person is to do; null where nothing is. */
  readonly fix: string | null;
}

export type State = DoctorLine['state'];

export type Finding =
  | { readonly state: 'ok' | 'skipped'; readonly says: string; readonly fix?: undefined }
  | { readonly state: 'warning' | 'wrong' | 'unknown'; readonly says: string; readonly fix: string };

/** One thing to look at. An error is reported as unknown, with its message. */
export interface Check {
  readonly name: string;
  readonly look: () => Promise<Finding>;
  /** What to do where it cannot look. @default to fix the lines above, or to use other credentials */
  readonly unknownFix?: string;
}

export const ok = (says: string): Finding => ({ state: 'ok', says });
export const warning = (says: string, fix: string): Finding => ({ state: 'warning', says, fix });
export const wrong = (says: string, fix: string): Finding => ({ state: 'wrong', says, fix });
export const skipped = (says: string): Finding => ({ state: 'skipped', says });
