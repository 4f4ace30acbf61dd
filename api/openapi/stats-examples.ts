import type { StatsResponse } from '../responses/ledger.ts';

/** Counts of an hour. */
export const stats: StatsResponse = {
  buckets: [
    {
      hour: '2026-02-02T02:00:00.000Z',
      domain: 'mg.example.com',
      tag: '*',
      counts: { delivered: 2, failed: 3, opened: 1 },
      failures: { permanent_fail: 1, temporary_fail: 2 },
      open: false,
    },
  ],
};

/** Counts of a day by mailbox provider, with refusals by policy. */
export const statsByProvider: StatsResponse = {
  buckets: [
    {
      hour: '2026-02-02T00:00:00.000Z',
      domain: 'mg.example.com',
      tag: '*',
      provider: 'gmail',
      counts: { delivered: 1200, permanent_fail: 7 },
      policy: { '5.7.26': 2 },
      open: false,
    },
  ],
  mailgunClasses: {
    triedAt: '2026-02-02T00:06:00.000Z',
    note: null,
    read: {
      at: '2026-02-02T00:06:00.000Z',
      from: '2026-01-26T00:00:00.000Z',
      to: '2026-02-02T00:00:00.000Z',
      classes: [{ entity: 'Gmail', category: 'Spam content', severity: 'critical', failures: 7 }],
      cut: false,
    },
  },
};
