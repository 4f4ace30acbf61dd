import { setInterval } from 'node:timers';
import { eventItem, seed } from '../../../test/support/fixtures/seed.ts';
import { DOMAIN, deliveredEvent } from '../../../test/support/fixtures/webhooks.ts';
import { startTestStack } from '../../../test/support/stacks/local-stack.ts';
import type { LocalStack } from '../../local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../local-ledger/options/reconcile-choice.ts';
import type { EventData } from '../../mailgun-twin/traffic/event-parts.ts';
import { processOf } from '../pipeline.ts';
import { withTable } from '../stack-table.ts';

/** One slice whose events all came by webhook. */
export interface SliceCost {
  readonly events: number;
  readonly mailgunCalls: number;
  readonly tableCalls: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly seconds: number;
  /** Peak memory of the function. */
  readonly megabytes: number;
}

const SLICE_SECONDS = 900;
const SAMPLE_MS = 50;

/** Measures reconcile on slices of growing size, each on a stack of its own. */
export async function measureReconciliation(
  sizes: readonly number[],
  say: (line: string) => void,
): Promise<SliceCost[]> {
  const figures: SliceCost[] = [];
  for (const events of sizes) {
    figures.push(await measureSlice(events));
    say(`a slice of ${events} events reconciled in ${figures.at(-1)?.seconds.toFixed(1)} s`);
  }
  return figures;
}

async function measureSlice(events: number): Promise<SliceCost> {
  const lastSliceEnd = Math.floor(Date.now() / 1000 / SLICE_SECONDS) * SLICE_SECONDS;
  const startSeconds = lastSliceEnd - 2 * SLICE_SECONDS;
  const stack = await startTestStack({
    reconcile: {
      ...USUAL_RECONCILE,
      everySeconds: 3600,
      sliceSeconds: SLICE_SECONDS,
      retentionSeconds: 86_400,
      fromEpochSeconds: startSeconds,
    },
  });
  try {
    await fill(stack, events, startSeconds * 1000);
    const before = await stack.stats();
    const pid = before.processes.reconcile ?? 0;
    let megabytes = 0;
    const sampling = setInterval(() => {
      megabytes = Math.max(megabytes, processOf(pid).megabytes);
    }, SAMPLE_MS);
    const start = performance.now();
    const result = await stack.reconcile().finally(() => clearInterval(sampling));
    const seconds = (performance.now() - start) / 1000;
    if (result.expected !== events || result.missing !== 0 || result.open !== 0) {
      throw new Error(`the ledger does not close: ${JSON.stringify(result)}`);
    }
    const after = await stack.stats();
    const [was, is] = [before.byCaller.reconcile, after.byCaller.reconcile];
    const tableCalls = (usage: typeof is) =>
      Object.entries(usage?.calls ?? {}).reduce((sum, [name, times]) => sum + (/^dynamodb/.test(name) ? times : 0), 0);
    return {
      events,
      mailgunCalls: after.mailgun.calls - before.mailgun.calls,
      tableCalls: tableCalls(is) - tableCalls(was),
      readUnits: (is?.capacity.read ?? 0) - (was?.capacity.read ?? 0),
      writeUnits: (is?.capacity.write ?? 0) - (was?.capacity.write ?? 0),
      seconds,
      megabytes,
    };
  } finally {
    await stack.stop();
  }
}

/** The same events in the table and in Mailgun's log, spread over one slice. */
async function fill(stack: LocalStack, events: number, startMs: number): Promise<void> {
  const named = Array.from({ length: events }, (_, nth) => ({
    messageId: `slice.${nth}@${DOMAIN}`,
    id: `event-${nth}`,
    type: 'delivered',
    atMs: startMs + Math.floor((nth / events) * SLICE_SECONDS * 1000),
  }));
  await withTable(stack, ({ name, ask }) =>
    seed(
      {
        writeBatch: (items) =>
          ask('BatchWriteItem', { RequestItems: { [name]: items.map((Item) => ({ PutRequest: { Item } })) } }),
      },
      named.map((event) => ({ ...eventItem(event), webhookAt: event.atMs + 500 })),
    ),
  );
  stack.list(
    named.map(({ messageId, id, type, atMs }) =>
      deliveredEvent({
        event: type,
        id,
        recipient: 'ada@north.example',
        timestamp: atMs / 1000,
        message: { headers: { 'message-id': messageId } },
      }),
    ) as unknown as EventData[],
  );
}
