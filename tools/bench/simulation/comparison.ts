import { DEFAULT_STACK } from './settings.ts';
import { simulate } from './simulate.ts';

/** Scaled-down rates, so that the machine's CPU is never the limit. */
export const SETTINGS = { throttlePerSecond: 40, throttleBurst: 40, batchSize: 3, maxConcurrency: 2 };
export const OFFERED_PER_SECOND = 80;
export const LOAD_SECONDS = 30;

/** Measurements of the local stack under that load. */
export interface LocalRun {
  /** Duration of a batch, measured by an earlier load. */
  readonly batchSeconds: number;
  readonly measured: {
    readonly acknowledged: number;
    readonly refused: number;
    /** Messages still waiting at the end of the load. */
    readonly backlog: number;
    /** Seconds from the end of the load until everything was stored. */
    readonly drainSeconds: number;
  };
}

/** Measured values of the local stack beside simulated ones for the same stack and load. */
interface Comparison {
  readonly what: string;
  readonly measured: number;
  readonly simulated: number;
}

/** Returns the simulation's error as a share of the measured value. */
export const offBy = ({ measured, simulated }: Comparison): number => Math.abs(simulated - measured) / measured;

/** Formats a comparison as one line. */
export function comparisonText(comparison: Comparison): string {
  const { what, measured, simulated } = comparison;
  const off = `${(100 * offBy(comparison)).toFixed(1)} %`;
  return `${what.padEnd(30)} measured ${measured.toFixed(0).padStart(5)}  simulated ${simulated.toFixed(0).padStart(5)}  off by ${off}`;
}

/** Accepted error of the simulation, as a share. */
export const TOLERANCE = 0.15;

/** Returns true if no value is simulated too far from the measured one. */
export const areWithinTolerance = (rows: readonly Comparison[]): boolean =>
  rows.every((row) => offBy(row) <= TOLERANCE);

/** Simulates the stack and load of a run, and returns both side by side. */
export function compare({ batchSeconds, measured }: LocalRun): Comparison[] {
  const perSecond = (at: number) => (at < LOAD_SECONDS ? OFFERED_PER_SECOND : 0);
  const load = { perSecond, seconds: 4 * LOAD_SECONDS, until: 'gateway' } as const;
  const { acknowledged, refused, samples } = simulate({ ...DEFAULT_STACK, ...SETTINGS, batchSeconds }, load, 1);
  const storedAt = samples.findIndex(({ atSecond, backlog: left }) => atSecond >= LOAD_SECONDS && left < 1);
  const backlog = samples[LOAD_SECONDS - 1]?.backlog ?? 0;
  return [
    { what: 'acknowledged', measured: measured.acknowledged, simulated: acknowledged },
    { what: 'refused', measured: measured.refused, simulated: refused },
    { what: 'waiting at the end of the load', measured: measured.backlog, simulated: backlog },
    { what: 'seconds until all is stored', measured: LOAD_SECONDS + measured.drainSeconds, simulated: storedAt },
  ];
}
