import type { HealthResponse } from '../api/responses/health.ts';
import type { Api } from './api.ts';
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
}

/** Reads what it needs and returns what to show; the page shows failures. */
export type View = (context: ViewContext) => Promise<Shown>;

/** Returns the domain in the address if it is configured, otherwise the first. */
export function chosenDomain({ domains }: HealthResponse, parameters: URLSearchParams): string {
  const named = parameters.get('domain')?.toLowerCase();
  return domains.find((domain) => domain === named) ?? domains[0] ?? '';
}
