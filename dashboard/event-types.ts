/** Types that Mailgun has; the API takes any other too. */
export const EVENT_TYPES = [
  'accepted',
  'delivered',
  'failed',
  'complained',
  'unsubscribed',
  'opened',
  'clicked',
  'rejected',
] as const;
