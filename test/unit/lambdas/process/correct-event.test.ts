import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import { type DecidedStatus, decideStatus } from '../../../../lambdas/domain/status/decide-status.ts';
import { createCorrect } from '../../../../lambdas/process/correct-event.ts';
import type { EventRecord, Records } from '../../../../lambdas/process/ports.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';

test('a correction changes the reason of a status too, though the same event decides it', async () => {
  const failure = (code: number) =>
    deliveredEvent({ event: 'failed', severity: 'permanent', reason: 'bounce', 'delivery-status': { code } });
  const listed = failure(605);
  const identity = identify(listed, DOMAIN);
  const place = { atMs: NOW_MS, eventKey: identity.eventKey };
  const held = { event: failure(550), ...place };
  const written: DecidedStatus[] = [];
  const correct = createCorrect({
    records: { suppress: async () => {} } as unknown as Records,
    corrections: {
      siblings: async () => [held],
      readOrder: async () => decideStatus([held])?.order,
      resetStatus: async (_record, decided) => written.push(decided) > 0,
      withdrawSuppressions: async () => {},
      replaceEvent: async () => {},
    },
  });

  await correct({ event: parseEvent(listed), identity, domain: DOMAIN, atMs: NOW_MS } as EventRecord);

  expect(written).toMatchObject([{ status: 'FAILED', reason: 'suppressed' }]);
});
