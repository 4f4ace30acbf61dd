import type { LocalStack } from '../../../tools/local-ledger/local-ledger.ts';
import { shareOf } from '../../support/share.ts';
import { startTestStack } from '../../support/stacks/local-stack.ts';
import { control } from '../../torture/inject-faults.ts';
import { brokenPromises, torture, type Weather } from '../../torture/torture.ts';

let stack: LocalStack;
beforeAll(async () => {
  stack = await startTestStack();
}, 60_000);
afterAll(() => stack?.stop());

const WRITES = [
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'UpdateItem'],
  ['sqs', 'SendMessage'],
  ['sqs', 'ChangeMessageVisibility'],
  ['sqs', 'DeleteMessageBatch'],
] as const;

/** Lets every write take effect, and drops the reply of this percentage. */
function dropReplies(percent: number): Weather<void> {
  return async (ready, _random, signal) => {
    await control(
      ready,
      '/faults',
      WRITES.map(([service, operation]) => ({ service, operation, mode: 'drop-reply', percent })),
    );
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
}

test.each([1, 10, 50])(
  'with %i %% of the replies to writes lost, nothing acknowledged is lost or doubled',
  async (percent) => {
    const report = await torture(stack.ready, { events: shareOf(200), seed: percent, weather: dropReplies(percent) });
    expect(brokenPromises(report)).toEqual([]);
    const { result } = report;
    console.log(
      `${percent} % of replies lost: attempted ${result.attempted}, acknowledged ${result.acknowledged}, ` +
        `lost ${result.lost.length}, doubled ${result.doubled.length}, recovered ${result.recovered.length}`,
    );
  },
  300_000,
);
