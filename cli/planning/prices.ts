/**
 * List prices of us-east-1 in dollars, on demand. Those of DynamoDB as published on 2024-11-14; the others as known
 * on that day, and to be looked up again before a budget rests on them.
 */
export const PRICES = {
  date: '2024-11-14',
  region: 'us-east-1',
  perWriteUnit: 0.625 / 1e6,
  perReadUnit: 0.125 / 1e6,
  /** Provisioned, for each unit a second. */
  perWriteCapacityHour: 0.00065,
  perReadCapacityHour: 0.00013,
  /** Factors of the table class, relative to the standard class. */
  infrequentAccess: { throughput: 1.25, storage: 0.4 },
  perTableGigabyteMonth: 0.25,
  /** Point-in-time recovery, by the size of the table. */
  perBackupGigabyteMonth: 0.2,
  /** For up to 64 KB. */
  perQueueRequest: 0.4 / 1e6,
  perPublishedEvent: 1 / 1e6,
  /** For the archive's bucket, in the standard class; without traffic out of the region. */
  perObjectGigabyteMonth: 0.023,
  perObjectPut: 5 / 1e6,
  perObjectRead: 0.4 / 1e6,
  /** For up to 1,000 objects. */
  perObjectListing: 5 / 1e6,
  /** HTTP API; of at most 512 KB. */
  perApiRequest: 1 / 1e6,
  perInvocation: 0.2 / 1e6,
  /** arm64. */
  perGigabyteSecond: 0.0000133334,
  perLogGigabyte: 0.5,
  /** Stored, compressed. */
  perLogGigabyteMonth: 0.03,
  perStreamedGigabyte: 0.029,
  /** To the internet, beyond the first 100 GB a month. */
  perGigabyteSent: 0.09,
  perMetricMonth: 0.3,
  /** For each metric that an alarm reads. */
  perAlarmMetricMonth: 0.1,
  perDashboardMonth: 3,
  perSecretMonth: 0.4,
  perKeyMonth: 1,
  perScheduledRun: 1 / 1e6,
};
