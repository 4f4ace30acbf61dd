/** The statements in the description of an alarm, for the on-call engineer. */
export interface AlarmText {
  readonly happened: string;
  /** The people who are hurt, and how. */
  readonly impact: string;
  /** Other alarms that the same cause sets off, by their headings in the runbook. */
  readonly explains: readonly string[];
  /** The state once the alarm is OK: CloudWatch notifies of both by one text. */
  readonly recovered: string;
  /** Runbook URL with the alarm's heading. */
  readonly runbook: string;
  /** The first command to type, as it runs. */
  readonly first: string;
}

/** Returns the description of an alarm, one statement a line. */
export function alarmDescription({ happened, impact, explains, recovered, runbook, first }: AlarmText): string {
  return [
    happened,
    `Impact: ${impact}`,
    ...(explains.length === 0 ? [] : [`Explains: ${explains.join(', ')}, if on as well.`]),
    `When OK: ${recovered}`,
    `Runbook: ${runbook}`,
    `First: ${first}`,
  ].join('\n');
}

const DESCRIPTION =
  /^(?<happened>\S.*\.)\nImpact: (?<impact>\S.*\.)\n(?:Explains: (?<explains>[a-z-]+(?:, [a-z-]+)*), if on as well\.\n)?When OK: (?<recovered>\S.*\.)\nRunbook: (?<runbook>\S+#[\w-]+)\nFirst: (?<first>(?:npm run ledger --|npx mailgun-ledger) \S.*)$/;

/** Returns what the description of an alarm states, or undefined where it is not of that form. */
export function parseAlarmDescription(text: string): AlarmText | undefined {
  const found = DESCRIPTION.exec(text)?.groups;
  if (found === undefined) return undefined;
  const { happened = '', impact = '', explains, recovered = '', runbook = '', first = '' } = found;
  return { happened, impact, explains: explains?.split(', ') ?? [], recovered, runbook, first };
}

/** The description of an alarm as a client shows it; null where it does not state something. */
export interface ShownAlarmText {
  readonly happened: string | null;
  readonly impact: string | null;
  readonly explains: string[];
  readonly runbook: string | null;
  readonly first: string | null;
}

/** Returns what to show of the description of an alarm, which may be of another form. */
export function shownAlarmText(description: string): ShownAlarmText {
  const text: Partial<AlarmText> = parseAlarmDescription(description) ?? {};
  const { happened = null, impact = null, explains = [], runbook = null, first = null } = text;
  return { happened, impact, explains: [...explains], runbook, first };
}
