// Classes of failures and words for them. Imports nothing: functions, command line and page read it.

export const FAILURE_CLASSES = {
  'unknown-user': 'the address does not exist',
  'mailbox-full': 'the mailbox is full',
  policy: 'refused by a rule of the recipient’s server',
  reputation: 'refused because of the sender’s reputation or a blocklist',
  authentication: 'refused because SPF, DKIM or DMARC did not pass',
  greylisted: 'put off for a first attempt, as spam protection',
  'rate-limited': 'too much mail or too many connections at once',
  dns: 'the recipient’s domain or its mail server was not found',
  content: 'refused because of what the mail holds, or its size',
  'too-old': 'given up after all attempts',
  suppressed: 'not sent, because Mailgun suppresses the address',
  other: 'another reason',
} as const;

export type FailureClass = keyof typeof FAILURE_CLASSES;
