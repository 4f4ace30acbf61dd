import { newsMetrics } from '../../../../lambdas/reconcile/slice-metrics.ts';

const NEWS = { domain: 'mg.example.com', start: 0, end: 900, lost: 0, unconfirmed: 0, altered: 0 };

test.each([
  ['lost webhooks say nothing of doubtful events', { lost: 3 }, { LostWebhooks: 3 }],
  ['an unconfirmed event says nothing of lost webhooks', { unconfirmed: 2 }, { Unconfirmed: 2 }],
  ['an altered event counts as an unconfirmed one', { unconfirmed: 2, altered: 1 }, { Unconfirmed: 3 }],
  ['both are reported together', { lost: 1, altered: 1 }, { LostWebhooks: 1, Unconfirmed: 1 }],
])('newsMetrics: %s', (_name, over, metrics) => {
  expect(newsMetrics({ ...NEWS, ...over })).toEqual(metrics);
});
