import { READS_AT_ONCE } from '../../../../../lambdas/domain/concurrency.ts';
import { createSuppressionCheck } from '../../../../../lambdas/read-api/recipients/suppression-check.ts';
import { countInFlight } from '../../../../support/doubles/in-flight.ts';

test('many addresses are read a few at a time, each once, and returned in their order', async () => {
  const inFlight = countInFlight();
  const read: string[] = [];
  const check = createSuppressionCheck(async ({ recipient }) => {
    read.push(recipient);
    await inFlight.work();
    return { recipient, suppressed: recipient.startsWith('a1'), suppressions: [] };
  });
  const addresses = Array.from({ length: 200 }, (_, n) => `a${n % 100}@example.org`);

  const { recipients, suppressed } = await check({ addresses });

  expect(recipients.map(({ recipient }) => recipient)).toEqual(addresses);
  expect(suppressed).toBe(22);
  expect(read).toHaveLength(100);
  expect(inFlight.most).toBe(READS_AT_ONCE);
});
