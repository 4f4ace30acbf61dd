import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { differingFacts, namedFacts } from '../../../../../lambdas/domain/status/deciding-facts.ts';

const bounce = (reason: string) =>
  parseEvent({ event: 'failed', severity: 'permanent', reason, recipient: 'ada@example.org' });

test('deciding facts name what an event decides, without text of others', () => {
  expect(namedFacts(bounce('bounce'), 0)).toMatchObject({
    status: 'FAILED',
    reason: 'bounce',
    suppression: 'bounce',
    scope: '*',
    time: '1970-01-01T00:00:00',
  });
  const { reason } = namedFacts(bounce('ada@example.org is away'), 0);
  expect(reason).toMatch(/^sha256:[0-9a-f]{8}$/);
  expect(namedFacts(bounce('bob@example.org is away'), 0).reason).not.toBe(reason);
});

test('comparing deciding facts names those that differ, with times to the second', () => {
  expect(differingFacts(namedFacts(bounce('bounce'), 0), namedFacts(bounce('bounce'), 400))).toEqual([]);
  expect(differingFacts(namedFacts(bounce('bounce'), 0), namedFacts(bounce('bounce'), 2000))).toEqual(['time']);
  expect(
    differingFacts(
      namedFacts(bounce('bounce'), 0),
      namedFacts(parseEvent({ event: 'failed', severity: 'temporary' }), 0),
    ),
  ).toContain('suppression');
});
