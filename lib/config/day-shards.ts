import { z } from 'zod';
import { MAX_DAY_SHARDS } from '../../lambdas/contract.ts';
import { fields } from './field.ts';

const isDay = (text: string) =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00Z`).toJSON()?.startsWith(text) === true;

export const dayShardsList = z
  .array(
    z.strictObject({
      from: z.string().refine(isDay).register(fields, {
        constraint: 'a UTC day as YYYY-MM-DD',
        description: 'The first day that has this number; the days before keep theirs.',
        example: '2027-01-01',
      }),
      count: z
        .int()
        .min(1)
        .max(MAX_DAY_SHARDS)
        .register(fields, {
          constraint: `a whole number from 1 to ${MAX_DAY_SHARDS}`,
          description:
            'Shards of each domain, day and type; each takes 1,000 events a second, and a list or slice reads all.',
          example: 8,
        }),
    }),
  )
  .default([])
  .register(fields, {
    constraint: 'a list',
    elementConstraint: 'an object {from, count}',
    description:
      'How many shards the day index has, each number from a day on; one before the first. It needs no rebuild ([scale](../scale.md)).',
    example: [{ from: '2027-01-01', count: 8 }],
  });

type Shards = z.output<typeof dayShardsList>;

/** Returns a sentence for each number that does not exceed the one before it, or does not begin after it. */
export function brokenShardRules(shards: Shards): string[] {
  return shards.flatMap(({ from, count }, index) => {
    const before = shards[index - 1];
    if (before === undefined) return [];
    const path = `shards[${index}]`;
    if (from <= before.from) return [`${path}.from: got "${from}"; must be later than ${before.from}`];
    if (count > before.count) return [];
    return [
      `${path}.count: got ${count}; must be above ${before.count}, for what is stored in more shards would not be found`,
    ];
  });
}

/** Returns what functions that write or read the day index need to know; nothing where each day has one shard. */
export function dayShards({ shards }: { readonly shards: Shards }): { DAY_SHARDS?: string } {
  return shards.length === 0 ? {} : { DAY_SHARDS: JSON.stringify(shards) };
}
