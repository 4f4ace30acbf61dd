import type { HealthResponse } from '../api/responses/health.ts';
import type { Api } from './api.ts';
import type { Child } from './dom.ts';
import type { Settings } from './session.ts';

/** What a view has to work with. */
export interface ViewContext {
  readonly api: Api;
  readonly subject: string;
  readonly parameters: URLSearchParams;
  readonly settings: Settings;
  /** Read once for each view that asks. */
  health(): Promise<HealthResponse>;
}

export interface Shown {
  readonly title: string;
  readonly content: readonly Child[];
}

/** Reads what it needs and answers what is to be seen; failures are the page's to show. */
export type View = (context: ViewContext) => Promise<Shown>;

/** The domain that the address names, if it is one of ours; else the first. */
export function chosenDomain({ domains }: HealthResponse, parameters: URLSearchParams): string {
  const named = parameters.get('domain')?.toLowerCase();
  return domains.find((domain) => domain === named) ?? domains[0] ?? '';
}
