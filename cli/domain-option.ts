import { UNKNOWN_DOMAIN } from '../lambdas/domain/event.ts';
import { UsageError } from './errors.ts';
import type { Deployment } from './target/types.ts';

/** Refuses a domain that the stack does not receive webhooks of. */
export function checkSendingDomain({ domains }: Deployment, domain: string): void {
  checkChoice(domain, domains);
}

/** Refuses what is neither a domain of the stack nor `-`, which stands for events that name none. */
export function checkDomain({ domains }: Deployment, domain: string): void {
  checkChoice(domain, [...domains, UNKNOWN_DOMAIN]);
}

function checkChoice(domain: string, choices: readonly string[]): void {
  if (choices.includes(domain)) return;
  throw new UsageError(`--domain ${domain} is none of the stack's: ${choices.join(', ')}`);
}
