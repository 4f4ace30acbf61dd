import { TargetUnavailableError } from '../../errors.ts';

/** What the reconcile function answers to an acceptance. */
export interface AcceptResult {
  readonly state: string;
  readonly accepted: number;
  /** Why Mailgun's listing could not be read. */
  readonly reason?: string;
}

/** Why nothing was accepted, and what to do. */
export interface Refusal {
  readonly state: string;
  readonly why: string;
  readonly whatToDo: string;
}

/** Checks the answer: an earlier version of the function takes the call for a scheduled run. */
export function parseAcceptResult(value: unknown): AcceptResult {
  const answer = value as AcceptResult | null;
  if (typeof answer?.state === 'string' && typeof answer.accepted === 'number') return answer;
  throw new TargetUnavailableError('the stack cannot accept slices; deploy this version first');
}

const AGAIN = 'Run the same command again';

const REFUSALS: Readonly<Record<string, readonly [why: string, whatToDo: string]>> = {
  'unknown-slice': [
    'the ledger has no slice at that time, or Mailgun may still list events of it',
    'Check time and domain. Time before the ledger began: replay it first. Recent time: wait for the next runs.',
  ],
  'too-many': [
    'more events do not add up than a slice can name',
    'Find the cause first: redrive dead letters, or replay that time, until less is left.',
  ],
  paused: ['time was up before the whole slice was compared', `${AGAIN}: it goes on with what was compared.`],
  busy: ['another run of reconcile is at work', `${AGAIN} in a minute.`],
  off: [
    'the stack has no Mailgun API key, and the slice is compared once more before anything is accepted',
    'Set one: npm run ledger -- keys set --api-key',
  ],
  'unknown-domain': ['the deployed stack does not know the domain', 'Deploy the configuration that names it.'],
};

/** Returns the answer in words; of a state that this version does not know, its name. */
export function refusalOf({ state, reason }: AcceptResult): Refusal {
  if (state === 'failed') {
    const why = `Mailgun's listing is ${reason ?? 'not to be read'}`;
    return { state, why, whatToDo: `docs/runbook.md, cursor-too-old, says what to do about each such reason.` };
  }
  const [why, whatToDo] = REFUSALS[state] ?? [`reconcile answered ${state}`, 'See: npm run ledger -- logs reconcile'];
  return { state, why, whatToDo };
}
