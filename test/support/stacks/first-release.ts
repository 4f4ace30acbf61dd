// Items as the first release wrote them. Every later version must read them, since items are kept for years.

/** The first release's erasure key, with which the address's marker was made. */
export const ERASURE_KEY = 'secret';

const MESSAGE = 'MSG#20260202023950.1.ABCDEF@mg.example.com';
const RAW =
  'AavGLeVdaFwWWWIQFWyU6GSeF54bkWzpk+KI7h0zSzAw0DM0MjYxNUP1u2NKooNrRWJuQU6qXn5RuhL22E2FqgDFVS1KZCHFDUqMGBkYmRkYgaCxpamBnqGeo5Ozi6ubA7phtVgLUaRSDqUEq4UndKXy1JxkUMWFNcXXAgA=';

export const EVENT = {
  pk: MESSAGE,
  sk: 'R#ada@example.org#E#delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
  dayKey: 'mg.example.com#2026-02-02#delivered',
  at: 1_769_999_990_123,
  raw: Buffer.from(RAW, 'base64'),
  source: 'webhook',
  receivedAt: 1_770_000_000_000,
  webhookAt: 1_770_000_000_000,
  expiresAt: 1_804_560_000,
};

export const STATUS = {
  pk: MESSAGE,
  sk: 'R#ada@example.org#STATUS',
  order: '30#8230000009876#delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
  status: 'DELIVERED',
  reason: null,
  statusAt: 1_769_999_990_123,
  decidedBy: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
  recipient: 'Ada@Example.org',
  domain: 'mg.example.com',
  expiresAt: 1_804_560_000,
  recipientKey: 'R#ada@example.org',
  recipientAt: 1_769_999_990_123,
};

export const SUPPRESSION = {
  pk: 'SUP#ada@example.org',
  sk: 'mg.example.com#complaint#*',
  since: 1_769_999_990_123,
  lastAt: 1_769_999_999_000,
  eventKey: 'complained#Zq3vYt0ZS2aB7nWmXc9LdB',
  reason: null,
  recipient: 'Ada@Example.org',
  domain: 'mg.example.com',
  kind: 'complaint',
  scope: '*',
};

/** Suppression of a recipient whose domain was not yet in Punycode. */
export const UNICODE_SUPPRESSION = {
  ...SUPPRESSION,
  pk: 'SUP#ada@b\u00fccher.example',
  recipient: 'ada@b\u00fccher.example',
};

/** A message to that recipient. */
const UNICODE_MESSAGE = { pk: 'MSG#20260202023950.2.UNICODE@mg.example.com' };

export const UNICODE_EVENT = {
  ...EVENT,
  ...UNICODE_MESSAGE,
  sk: 'R#ada@b\u00fccher.example#E#delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
};

export const UNICODE_STATUS = {
  ...STATUS,
  ...UNICODE_MESSAGE,
  sk: 'R#ada@b\u00fccher.example#STATUS',
  recipient: 'Ada@b\u00fccher.example',
  recipientKey: 'R#ada@b\u00fccher.example',
};

export const CLAIM = {
  pk: 'CLAIM#5f1d',
  sk: 'CLAIM',
  id: 'somebody',
  hash: '1:28037650fe7d52ede1ce66de24c51a80ef45f72d992883666147eb578822c416',
  expiresAt: 1_770_090_000,
};

export const MARKER = {
  pk: 'ERASED#30ae69f6780684f3dfa2c2b06d62cb9b83175562c071dab97b86753e20b9c312',
  sk: 'ERASED',
};

export const SLICE = {
  pk: 'SLICE#mg.example.com',
  sk: '001769999500',
  domain: 'mg.example.com',
  start: 1_769_999_500,
  end: 1_770_000_300,
  listed: { delivered: 3 },
  stored: { delivered: 2 },
  missing: { delivered: 1 },
  recovered: {},
  polled: {},
  late: {},
  lost: { delivered: 1 },
  unconfirmed: {},
  unconfirmedNames: {},
  tags: '{"":{"delivered":2},"*":{"delivered":3},"welcome":{"delivered":1}}',
  stuck: 0,
  attempts: { b64d0a1c: 1 },
  expected: { delivered: 3 },
  sends: 1,
  otherAttempts: 0,
  unlisted: false,
  passes: 2,
  firstAt: 1_770_002_200_000,
  passedAt: 1_770_003_100_000,
  settledAt: null,
  version: 2,
};

export const OPEN = {
  pk: 'OPEN#mg.example.com',
  sk: '001769999500',
  start: 1_769_999_500,
  end: 1_770_000_300,
  nextAt: 1_770_004_000_000,
  since: 1_770_002_200_000,
  stuck: 0,
};

export const CURSOR = { pk: 'LEDGER#mg.example.com', sk: 'CURSOR', position: 1_770_000_300, second: 1_769_950_800 };
