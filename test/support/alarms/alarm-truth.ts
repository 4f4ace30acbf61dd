import { setTimeout as sleep } from 'node:timers/promises';
import type { AlarmHarness } from './alarm-harness.ts';
import { MINUTE_MS } from './alarm-harness.ts';

/** A fault, and the alarm that must report it. */
export interface Fault {
  readonly name: string;
  readonly alarm: string;
  /** Heading in the runbook, if it differs from the name. */
  readonly runbook?: string;
  /** Other alarms that may go off, each with the reason; the text of the fault's own alarm explains them. */
  readonly consequences?: Readonly<Record<string, string>>;
  /** Other alarms that may go off, each with the reason why that is correct although no text explains it. */
  readonly relatives?: Readonly<Record<string, string>>;
  /** Seconds of the stack's own waits before a metric can show the fault. */
  readonly waitSeconds?: number;
  /**
   * True if it cannot be undone, or its period is too long to wait for: its alarms may still be on during the next
   * fault.
   */
  readonly lingers?: boolean;
  /** Seconds that the fault continues after its alarm went off; the alarm must not return to OK meanwhile. */
  readonly lasts?: number;
  readonly begin?: (harness: AlarmHarness) => unknown;
  /** Runs repeatedly while the fault lasts. */
  readonly during?: (harness: AlarmHarness) => unknown;
  readonly end?: (harness: AlarmHarness) => unknown;
}

/** Alarms that one fault set off. */
export interface Finding {
  readonly fault: Fault;
  /** In order of going off. */
  readonly fired: readonly string[];
  /** Undefined if its own alarm did not go off. */
  readonly afterMs: number | undefined;
  /** Twice all periods of its alarm, plus the stack's waits. */
  readonly withinMs: number;
  /** True if its own alarm returned to OK while the fault lasted. */
  readonly isLapsed: boolean;
  /** Alarms that did not return to OK. */
  readonly stillRed: readonly string[];
  /** Why the fault could not be caused. */
  readonly failure: string | undefined;
  readonly notification: Readonly<Record<string, unknown>> | undefined;
  readonly topic: string | undefined;
}

const STEP_MS = 200;
const PATIENCE_MS = 60_000;
/** A busy machine runs late, and metric time does not wait for it. */
const LATE_MS = 8000;

/** Causes a fault until its alarm goes off, ends it, and waits until all alarms are OK. */
export async function strike(harness: AlarmHarness, fault: Fault, lingering: ReadonlySet<string>): Promise<Finding> {
  await untilCalm(harness, new Set([...lingering].filter((anchor) => anchor !== fault.alarm)));
  const earlier = harness.changes.length;
  const isFired = () => firedSince(harness, earlier).includes(fault.alarm);
  const beganMs = Date.now();
  const lastOnce = async () => {
    await fault.begin?.(harness);
    while (!isFired() && Date.now() < beganMs + PATIENCE_MS) await step(harness, fault);
    // Long enough for other alarms it may set off.
    const lastsMs = Math.max(1.5 * MINUTE_MS, (fault.lasts ?? 0) * 1000);
    for (const untilMs = Date.now() + lastsMs; Date.now() < untilMs; ) await step(harness, fault);
  };
  const failures = [await failureOf(lastOnce)];
  const isOwn = ({ name }: { name: string }) => harness.anchorOf(name) === fault.alarm;
  const isLapsed =
    fault.lasts !== undefined && harness.changes.slice(earlier).some((news) => isOwn(news) && !isAlarm(news));
  failures.push(await failureOf(async () => fault.end?.(harness)));
  const stillRed = fault.lingers ? [] : await untilCalm(harness, lingering);

  const change = harness.changes.slice(earlier).find((news) => isAlarm(news) && isOwn(news));
  const arrived = harness.notificationsOf(fault.alarm).findLast(({ message }) => message.NewStateValue === 'ALARM');
  return {
    fault,
    fired: firedSince(harness, earlier),
    afterMs: change && change.atMs - beganMs,
    withinMs: (fault.waitSeconds ?? 0) * 1000 + 2 * windowMs(arrived?.message.Trigger) + LATE_MS,
    isLapsed,
    stillRed,
    failure: failures.find((failure) => failure !== undefined),
    notification: change && arrived?.message,
    topic: arrived?.topic,
  };
}

/** Returns the flaws: its own alarm was late, others went off, or some stayed on. */
export function flawsOf(finding: Finding): string[] {
  const { fault, afterMs, withinMs, isLapsed, stillRed, failure } = finding;
  return [
    ...(failure === undefined ? [] : [failure]),
    ...(afterMs === undefined ? [`${fault.alarm} did not go off`] : []),
    ...(afterMs !== undefined && afterMs >= withinMs ? [`${fault.alarm} went off after ${afterMs} ms`] : []),
    ...(isLapsed ? [`${fault.alarm} became OK while the fault lasted`] : []),
    ...unrelated(finding).map((anchor) => `${anchor} went off`),
    ...stillRed.map((anchor) => `${anchor} stayed red`),
  ];
}

/** Returns the error of an action: a fault that cannot be caused does not prevent the others. */
async function failureOf(act: () => Promise<unknown>): Promise<string | undefined> {
  return act().then(
    () => undefined,
    (error: unknown) => String(error),
  );
}

async function step(harness: AlarmHarness, fault: Fault): Promise<void> {
  await fault.during?.(harness);
  await sleep(STEP_MS);
}

const isAlarm = ({ to }: { to: string }) => to === 'ALARM';

/** Returns the distinct alarms that went off. */
export function firedSince(harness: AlarmHarness, earlier: number): string[] {
  const names = harness.changes
    .slice(earlier)
    .filter(isAlarm)
    .map(({ name }) => harness.anchorOf(name));
  return [...new Set(names)];
}

/**
 * Waits until no alarm except these has been on for two minutes of metric time; returns those still on at the time
 * limit.
 */
async function untilCalm(harness: AlarmHarness, except: ReadonlySet<string>): Promise<string[]> {
  const untilMs = Date.now() + PATIENCE_MS;
  for (let calmSinceMs = Date.now(); ; await sleep(STEP_MS)) {
    const red = [...harness.alarms()].filter(([anchor, state]) => state === 'ALARM' && !except.has(anchor));
    if (red.length > 0) calmSinceMs = Date.now();
    const isCalm = Date.now() - calmSinceMs > 2 * MINUTE_MS;
    if (isCalm || Date.now() > untilMs) return red.map(([anchor]) => anchor);
  }
}

/** Returns the total of an alarm's periods, in compressed time. */
function windowMs(trigger: unknown): number {
  const { Period, EvaluationPeriods, Metrics } = (trigger ?? {}) as {
    Period?: number;
    EvaluationPeriods?: number;
    Metrics?: { MetricStat?: { Period: number } }[];
  };
  const periodSeconds = Period ?? Metrics?.find(({ MetricStat }) => MetricStat)?.MetricStat?.Period ?? 0;
  return ((periodSeconds * (EvaluationPeriods ?? 0)) / 60) * MINUTE_MS;
}

/** Returns alarms that went off without being the fault's own or an expected one. */
function unrelated({ fault, fired }: Finding): string[] {
  return fired.filter((anchor) => anchor !== fault.alarm && expectedBeside(fault)[anchor] === undefined);
}

/** Returns the other alarms that a fault may set off, each with its reason. */
export const expectedBeside = ({ consequences, relatives }: Fault): Readonly<Record<string, string>> => ({
  ...consequences,
  ...relatives,
});

/** Renders faults against alarms. `@`: own, `e`: explained by it, `r`: relative, `!`: unrelated. */
export function confusionMatrix(findings: readonly Finding[], alarms: readonly string[]): string {
  const width = Math.max(...findings.map(({ fault }) => fault.name.length));
  const cell = (finding: Finding, anchor: string) => {
    if (!finding.fired.includes(anchor)) return '.';
    if (finding.fault.alarm === anchor) return '@';
    if (finding.fault.consequences?.[anchor] !== undefined) return 'e';
    return finding.fault.relatives?.[anchor] === undefined ? '!' : 'r';
  };
  const seconds = (ms: number | undefined) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`).padStart(7);
  const letters = alarms.map((_, nth) => String.fromCharCode(nth < 26 ? 97 + nth : 39 + nth));
  return [
    `${' '.repeat(width)}  ${letters.join(' ')}    after  within`,
    ...findings.map((finding) => {
      const cells = alarms.map((anchor) => cell(finding, anchor)).join(' ');
      return `${finding.fault.name.padEnd(width)}  ${cells}  ${seconds(finding.afterMs)} ${seconds(finding.withinMs)}`;
    }),
    '',
    ...alarms.map((anchor, nth) => `${letters[nth]}  ${anchor}`),
    '',
    '@ its own alarm   e explained by its text   r a relative, allowed   ! unrelated   . quiet',
    ...findings.flatMap(({ fault, fired }) =>
      fired
        .filter((anchor) => expectedBeside(fault)[anchor] !== undefined)
        .map((anchor) => `${fault.name} -> ${anchor}: ${expectedBeside(fault)[anchor]}`),
    ),
  ].join('\n');
}
