/** Returns the name of the stack of an environment of cdk.json. */
export const stackNameOf = (environment: string): string => `mailgun-ledger-${environment}`;

/** What CloudFormation's status of a stack means for its user. */
interface JudgedState {
  readonly level: 'ok' | 'warning' | 'wrong';
  readonly fix?: string;
}

const EVENTS = 'its events in the CloudFormation console name the cause';

/** In this order; the first match counts. */
const STATES: readonly (readonly [state: RegExp, judged: JudgedState])[] = [
  [/^(CREATE|UPDATE|IMPORT)_COMPLETE$/, { level: 'ok' }],
  [/^(REVIEW_IN_PROGRESS|CREATE_FAILED|ROLLBACK_)/, { level: 'wrong', fix: `delete it, and deploy again; ${EVENTS}` }],
  [/^DELETE_/, { level: 'wrong', fix: `it is being deleted, or could not be; ${EVENTS}` }],
  [/_IN_PROGRESS$/, { level: 'warning', fix: 'wait until the deploy is over' }],
  [
    /^(UPDATE|IMPORT)_ROLLBACK_COMPLETE$/,
    { level: 'warning', fix: `its last deploy was undone: ${EVENTS}; deploy again` },
  ],
  [/./, { level: 'wrong', fix: `continue its rollback in the CloudFormation console, then deploy again; ${EVENTS}` }],
];

/** Judges a stack by its status; one without is sound. */
export function judgeStack(state: string | undefined): JudgedState {
  return STATES.find(([pattern]) => pattern.test(state ?? ''))?.[1] ?? { level: 'ok' };
}
