/** Minutes between Mailgun's attempts, by its manual, its help centre and a measurement of 2019. */
export const RETRY_MINUTES = {
  manual: [5, 10, 15, 60, 120, 240],
  helpCentre: [10, 10, 15, 30, 60, 120, 240],
  measured: [10, 15, 30, 60, 120, 240],
} as const;
