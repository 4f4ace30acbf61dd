import { type AlarmText, parseAlarmDescription } from '../alarm-description.ts';
import { isObject } from '../json.ts';

/** The notice to people that an alarm has gone off or ended. */
export interface AlarmNotice {
  /** Name of the alarm, or the subject of another message. */
  readonly name: string;
  /** True once the alarm has ended, so that its incident can be closed. */
  readonly isOver: boolean;
  readonly severity: Severity;
  /** The parsed description; undefined if this is not an alarm of this stack. */
  readonly text: AlarmText | undefined;
  /** Why it changed its state, in the words of CloudWatch. */
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
  /** Details that only the table knows. */
  readonly details: readonly string[];
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

export type Severity = 'page' | 'ticket';

const MAX_REASON = 1000;

/** Returns the notice in a message of a topic; a message that is not an alarm is quoted. */
export function alarmNotice(
  message: string,
  { subject, severity, at }: { subject: string; severity: Severity; at: string },
  links: AlarmNotice['links'] = [],
): AlarmNotice {
  const alarm = parsed(message);
  if (typeof alarm?.AlarmName !== 'string') {
    const reason = message.slice(0, MAX_REASON);
    return { name: subject, isOver: false, severity, text: undefined, reason, at, details: [], links };
  }
  const { AlarmName: name, AlarmDescription, NewStateValue, NewStateReason, StateChangeTime } = alarm;
  const text = typeof AlarmDescription === 'string' ? parseAlarmDescription(AlarmDescription) : undefined;
  const runbook = text !== undefined && URL.canParse(text.runbook) ? [{ title: 'Runbook', url: text.runbook }] : [];
  return {
    name,
    isOver: NewStateValue === 'OK',
    severity,
    text,
    reason: typeof NewStateReason === 'string' ? NewStateReason.slice(0, MAX_REASON) : '',
    at: isoTime(StateChangeTime) ?? at,
    details: [],
    links: [...runbook, ...links],
  };
}

/** Returns what happened in one sentence, which is also the title where a service wants one. */
export const summaryOf = ({ name, isOver, text }: AlarmNotice): string => {
  if (text === undefined) return isOver ? `OK: ${name}` : name;
  return isOver ? `OK: ${text.recovered}` : text.happened;
};

/** Returns labelled statements about an alarm; an ended one needs neither impact nor command. */
export function statementsOf({
  isOver,
  text,
  reason,
  details,
}: AlarmNotice): (readonly [label: string, text: string])[] {
  const found = details.map((detail) => ['Found', detail] as const);
  if (text === undefined || isOver) return [['Reason', reason], ...found];
  const { impact, explains, runbook } = text;
  return [
    ['Impact', impact],
    ...found,
    ...(explains.length === 0 ? [] : [['Explains', explains.join(', ')] as const]),
    ['Reason', reason],
    // A path within the repository, which no service can link.
    ...(URL.canParse(runbook) ? [] : [['Runbook', runbook] as const]),
  ];
}

function parsed(message: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(message);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Returns CloudWatch's time, whose zone has no colon, as ISO 8601. */
function isoTime(time: unknown): string | undefined {
  if (typeof time !== 'string' || !Number.isFinite(Date.parse(time))) return undefined;
  return new Date(time).toISOString();
}
