import type { HealthResponse } from '../api/responses/health.ts';
import { type Api, ApiError, type Failure } from './api.ts';
import type { Child } from './components/dom.ts';
import type { Settings } from './session.ts';

/** The dependencies of a view. */
export interface ViewContext {
  readonly api: Api;
  readonly subject: string;
  readonly parameters: URLSearchParams;
  readonly settings: Settings;
  /** Read once per view. */
  health(): Promise<HealthResponse>;
}

export interface Shown {
  readonly title: string;
  readonly content: readonly Child[];
  /** The address of the view that is shown in place of this one. */
  readonly instead?: string | undefined;
  /** Why parts of it are not shown; the page reads again if that may pass. */
  readonly failures?: readonly Failure[] | undefined;
}

/** Reads what it needs and returns what to show; the page shows failures. */
export type View = (context: ViewContext) => Promise<Shown>;

const REREAD_SECONDS = 5;

/** Returns the domains; throws as a busy API does while they cannot be read. */
export function domainsOf({ domains }: HealthResponse): readonly string[] {
  if (domains === null) throw new ApiError({ kind: 'busy', retrySeconds: REREAD_SECONDS });
  return domains;
}

/** Returns the domain in the address if it is configured, otherwise the first. */
export function chosenDomain(health: HealthResponse, parameters: URLSearchParams): string {
  const domains = domainsOf(health);
  const named = parameters.get('domain')?.toLowerCase();
  return domains.find((domain) => domain === named) ?? domains[0] ?? '';
}

/** Calls for more domains would exceed the rate that the read API admits. */
const MAX_DOMAINS = 20;
const DOMAINS_AT_ONCE = 5;

/** Returns the domains to read for a view of all: the one in the address, otherwise as many as the read API admits. */
export function shownDomains(health: HealthResponse, parameters: URLSearchParams): readonly string[] {
  return parameters.has('domain') ? [chosenDomain(health, parameters)] : domainsOf(health).slice(0, MAX_DOMAINS);
}

/** Reads domains a few at once; returns the results in the order of the domains. */
export async function readDomains<T>(domains: readonly string[], read: (domain: string) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let at = 0; at < domains.length; at += DOMAINS_AT_ONCE) {
    results.push(...(await Promise.all(domains.slice(at, at + DOMAINS_AT_ONCE).map(read))));
  }
  return results;
}
