import { drillLine } from '../../../support/cli/json-lines/drill.ts';
import { localLedgerForAll } from '../../../support/stacks/local-ledger.ts';

const local = localLedgerForAll();

test('drill sets off an alarm, whose notification arrives at its topic', async () => {
  const { exitCode, json, errors } = await local.ledger(['drill', 'stuck', '--json']);
  const alarm = `${local.target.stackName}-stuck`;
  expect(errors).toEqual([]);
  expect(json().map((line) => drillLine.parse(line))).toMatchObject([
    { event: 'sounded', alarm },
    { event: 'arrived', alarm, topic: 'topics-page', subject: expect.stringContaining(alarm) },
    { event: 'drilled', alarm, arrived: true },
  ]);
  expect(exitCode).toBe(0);
});

test('drill does not touch an alarm that is already on', async () => {
  await local.ledger(['drill', 'dead-letters']);
  const { exitCode, errors } = await local.ledger(['drill', 'dead-letters']);
  expect({ exitCode, errors }).toEqual({ exitCode: 1, errors: [expect.stringMatching(/is on already/)] });
});
