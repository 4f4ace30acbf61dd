import { outcomeMetrics } from '../../../../lambdas/process/outcome-metrics.ts';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';

const failed = (over: object) => deliveredEvent({ event: 'failed', ...over });

test.each([
  ['a delivery', deliveredEvent(), { Delivered: 1 }],
  ['a complaint', deliveredEvent({ event: 'complained' }), { Complained: 1 }],
  ['a name in upper case', deliveredEvent({ event: 'DELIVERED' }), { Delivered: 1 }],
  ['a bounce', failed({ severity: 'permanent', reason: 'bounce' }), { Bounced: 1 }],
  ['a permanent failure without a reason', failed({ severity: 'permanent' }), { Bounced: 1 }],
  ['one given up as too old', failed({ severity: 'permanent', reason: 'old' }), { Bounced: 1 }],
  ['one given up, though called temporary', failed({ severity: 'temporary', reason: 'old' }), { Bounced: 1 }],
  ['a delivery in test mode', deliveredEvent({ flags: { 'is-test-mode': true } }), {}],
  ['a delivery by a route', deliveredEvent({ flags: { 'is-routed': true } }), {}],
  ['one not tried', failed({ severity: 'permanent', reason: 'suppress-bounce' }), {}],
  ['one not tried, by its code', failed({ severity: 'permanent', 'delivery-status': { code: 607 } }), {}],
  ['a failure for now', failed({ severity: 'temporary', reason: 'generic' }), {}],
  ['a failure of unknown severity', failed({}), {}],
  ['a rejection', deliveredEvent({ event: 'rejected' }), {}],
  ['an open', deliveredEvent({ event: 'opened' }), {}],
])('%s is counted in its metrics', (_name, event, counts) => {
  expect(outcomeMetrics([event])).toEqual(counts);
});
