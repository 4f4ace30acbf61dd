import { DEFAULT_STACK } from './settings.ts';
import { simulate } from './simulate.ts';

/** Rates scaled down, so that a machine's processor limits nothing. */
export const SETTINGS = { throttlePerSecond: 40, throttleBurst: 40, batchSize: 3, maxConcurrency: 2 };
export const OFFERED_PER_SECOND = 80;
export const LOAD_SECONDS = 30;

/** What the local stack did with that load. */
export interface LocalRun {
  /** What a batch took, measured by a load before. */
  readonly batchSeconds: number;
  readonly measured: {
    readonly acknowledged: number;
    readonly refused: number;
    /** Messages that waited at the end of the load. */
    readonly backlog: number;
    /** From then on, until all was stored. */
    readonly drainSeconds: number;
  };
}

/** What the local stack did with a load, beside what the simulation says of the same stack and load. */
export interface Comparison {
  readonly what: string;
  readonly measured: number;
  readonly simulated: number;
}

/** By how much the simulation is off, as a share of what was measured. */
export const offBy = ({ measured, simulated }: Comparison): number => Math.abs(simulated - measured) / measured;

/** Returns a comparison as a line. */
export function comparisonText(comparison: Comparison): string {
  const { what, measured, simulated } = comparison;
  const off = `${(100 * offBy(comparison)).toFixed(1)} %`;
  return `${what.padEnd(30)} measured ${measured.toFixed(0).padStart(5)}  simulated ${simulated.toFixed(0).padStart(5)}  off by ${off}`;
}

/** What the simulation may be off by. */
export const TOLERANCE = 0.15;

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
