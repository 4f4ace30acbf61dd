import type { StoredSuppression } from '../../../../../lambdas/domain/status/suppression.ts';
import { createSuppressions } from '../../../../../lambdas/read-api/recipients/suppressions.ts';
import { DOMAIN, NOW_MS } from '../../../../support/fixtures/webhooks.ts';

const unsubscribe: StoredSuppression = {
  domain: DOMAIN,
  kind: 'unsubscribe',
  scope: 'News',
  reason: null,
  source: 'event',
  eventKey: 'unsubscribed#1',
  sinceMs: NOW_MS,
  lastAtMs: NOW_MS,
  liftedAtMs: null,
};

const isSuppressed = async (stored: Partial<StoredSuppression>, query: { domain?: string; tags?: string[] }) => {
  const read = createSuppressions({ list: async () => [{ ...unsubscribe, ...stored }] });
  return (await read({ recipient: 'ada@example.org', ...query })).suppressed;
};

test.each<[Partial<StoredSuppression>, { domain?: string; tags?: string[] }, boolean]>([
  [{}, {}, true],
  [{}, { domain: DOMAIN, tags: ['news'] }, true],
  [{}, { domain: DOMAIN, tags: ['receipts'] }, false],
  [{}, { domain: 'other.example.com', tags: ['news'] }, false],
  [{ scope: '*' }, { domain: DOMAIN, tags: ['receipts'] }, true],
  [{ domain: '-' }, { domain: DOMAIN, tags: ['news'] }, true],
  [{ domain: '-' }, { domain: 'other.example.com' }, true],
  [{ liftedAtMs: NOW_MS }, {}, false],
  [{ liftedAtMs: NOW_MS, lastAtMs: NOW_MS + 1 }, {}, true],
])('an unsubscribe from News %j suppresses a mail of %j: %p', async (stored, query, expected) => {
  expect(await isSuppressed(stored, query)).toBe(expected);
});
