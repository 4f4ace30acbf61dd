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
