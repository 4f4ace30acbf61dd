import { readLedgerDomains } from '../../lambdas/adapters/table/domain-repository.ts';
import type { LedgerTable } from '../../lambdas/adapters/table/ledger-table.ts';
import { ACCOUNT_DOMAINS, type SendingDomain } from '../../lambdas/contract.ts';
import type { LedgerDomains } from '../../lambdas/domain/ledger/ledger-domains.ts';
import { awsSentence, TargetUnavailableError } from '../errors.ts';

export interface StackDomains {
  /** Those that Mailgun has. */
  readonly atMailgun: readonly SendingDomain[];
  /** Others under which events may be stored. */
  readonly further: readonly string[];
  /** Set if the domains with a ledger come from Mailgun. */
  readonly discovered?: LedgerDomains;
}

/** Returns the domains of a stack: those of its output `Domains`, or those that it has found at Mailgun. */
export async function readStackDomains(output: string, table: LedgerTable): Promise<StackDomains> {
  const configured = JSON.parse(output) as SendingDomain[] | typeof ACCOUNT_DOMAINS;
  if (configured !== ACCOUNT_DOMAINS) return { atMailgun: configured, further: [] };
  const discovered = await readLedgerDomains(table, true).catch((cause) => {
    const why = awsSentence(cause) ?? (cause as Error).message;
    throw new TargetUnavailableError(`the domains of the stack cannot be read: ${why}`, { cause });
  });
  const { domains, undiscovered } = discovered;
  const gone = domains.filter(({ goneAt }) => goneAt !== undefined);
  return {
    atMailgun: domains.filter(({ goneAt }) => goneAt === undefined),
    further: [...new Set([...gone, ...undiscovered].map(({ name }) => name))],
    discovered,
  };
}
