import type { CampaignResponse } from '../responses/campaign.ts';

/** The response with one mail that was delivered and opened. */
export const campaign: CampaignResponse = {
  tag: 'welcome',
  domain: 'mg.example.com',
  from: 1769990400,
  to: 1770076800,
  asOf: '2026-02-03T08:00:00.000Z',
  completeness: 'unknown',
  completeFrom: null,
  listed: {},
  mails: {
    mails: 1,
    accepted: 0,
    delivered: 1,
    deferred: 0,
    failed: 0,
    failedByClass: {},
    withoutOutcome: 0,
    testMode: 0,
    unconfirmedEvents: 0,
    secondsToDelivery: { p50: null, p95: null },
    secondsToFirstOpen: { p50: 58, p95: 58 },
  },
  people: {
    people: 1,
    openers: 1,
    clickers: 0,
    machineOpeners: 0,
    machineClickers: 0,
    complainers: 0,
    unsubscribers: 0,
  },
  failures: [],
};
