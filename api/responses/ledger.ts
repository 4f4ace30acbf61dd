import * as z from 'zod/mini';
import { count, counts, name, says } from './schema.ts';

const slice = name(
  'Slice',
  z.object({
    domain: z.string(),
    start: z.int(),
    end: z.int(),
    state: says(
      '`due`: not judged yet. `open`: something is missing. `unlisted`: Mailgun no longer lists it.',
      z.enum(['due', 'open', 'settled', 'unlisted']),
    ),
    expected: counts,
    stored: counts,
    missing: counts,
    recovered: counts,
    unconfirmed: counts,
    polled: counts,
    late: counts,
    lost: counts,
    stuck: count('Missing events that are sent no more.'),
    passes: count('How often it was compared.'),
  }),
);

export const ledgerResponse = name(
  'Ledger',
  z.object({
    slices: z.array(slice),
    totals: z.object({
      expected: z.int(),
      stored: z.int(),
      unaccounted: says('Missing over all slices.', z.int()),
      unconfirmed: z.int(),
      due: says('Slices that wait to be judged.', z.int()),
    }),
    completeness: z.enum(['complete', 'incomplete', 'unknown']),
  }),
);

const bucket = name(
  'Bucket',
  z.object({
    hour: z.iso.datetime(),
    domain: z.string(),
    tag: says('`*` counts every event once; empty counts mail without tags.', z.string()),
    counts,
    open: says('Whether the hour may still change.', z.boolean()),
  }),
);

export const statsResponse = name('Stats', z.object({ buckets: z.array(bucket) }));

export type SliceEntry = z.infer<typeof slice>;
export type LedgerResponse = z.infer<typeof ledgerResponse>;
export type StatsBucket = z.infer<typeof bucket>;
export type StatsResponse = z.infer<typeof statsResponse>;
