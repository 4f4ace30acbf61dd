/** A running ledger, on this machine or on AWS. */
export interface Target {
  readonly domains: readonly string[];
  /** Runs a function of the stack, by its short name, and answers what it answers. */
  invoke(functionName: string, event: unknown): Promise<unknown>;
}

export type Place =
  | { readonly kind: 'local'; readonly port: number }
  | { readonly kind: 'aws'; readonly environment: string };

/** What is asked for cannot be reached. */
export class OutOfReach extends Error {
  override name = 'OutOfReach';
}

/** Finds it; the SDK is loaded only where it is needed. */
export async function findTarget(place: Place): Promise<Target> {
  if (place.kind === 'local') {
    const { findLocal } = await import('./local-target.ts');
    return findLocal(place.port, new URL('../.local/', import.meta.url));
  }
  const { findAws } = await import('./aws-target.ts');
  return findAws(place.environment);
}
