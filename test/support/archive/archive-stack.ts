import { openLocal } from '../../../cli/target/local.ts';
import type { Deployment } from '../../../cli/target/types.ts';
import type { LocalStack } from '../../../tools/local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../../tools/local-ledger/options/reconcile-choice.ts';
import { startTestStack } from '../stacks/local-stack.ts';

/** Slices of one second, due a second later, so that sealing need not be waited for. */
export const QUICK = { ...USUAL_RECONCILE, everySeconds: 300, settleSeconds: 1, sliceSeconds: 1 };

/** Starts a stack with an archive; returns it with its deployment for commands. */
export async function startArchiveStack(): Promise<{ stack: LocalStack; deployment: Deployment }> {
  const stack = await startTestStack({ archive: true, reconcile: QUICK });
  const { port } = new URL(stack.ready.webhookUrl);
  return { stack, deployment: await openLocal(Number(port), new URL('../../../.local/', import.meta.url)) };
}
