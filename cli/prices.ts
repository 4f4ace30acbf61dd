/** us-east-1, on demand, as published on 2024-11-14; dollars. */
export const PRICES = {
  date: '2024-11-14',
  region: 'us-east-1',
  perWriteUnit: 0.625 / 1e6,
  perReadUnit: 0.125 / 1e6,
  perQueueRequest: 0.4 / 1e6,
  perPublishedEvent: 1 / 1e6,
};
