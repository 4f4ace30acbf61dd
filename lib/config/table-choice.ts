import { z } from 'zod';
import { fields, flag, group, wholeNumber } from './field.ts';

const units = (what: string) =>
  z
    .strictObject({
      from: wholeNumber(1, 40_000, 5, `${what} units a second that are always there.`),
      to: wholeNumber(1, 40_000, 100, `${what} units a second at most; the same as \`from\` scales nothing.`),
    })
    .prefault({});

/** Settings that decide price and capacity of the table; `doctor --costs` reports what would be cheaper. */
export const tableChoice = group({
  class: z.enum(['standard', 'infrequent-access']).default('standard').register(fields, {
    constraint: '"standard" or "infrequent-access"',
    description:
      'Table class: infrequent access takes 60 % off storage and adds 25 % to reads and writes; cheaper once events are kept for three months ([costs](../scale.md#what-would-be-cheaper)).',
  }),
  pointInTimeRecovery: flag(
    true,
    'Backs the table up continuously. It costs almost as much as storage; in prod it may be off only where `seal.enabled` keeps the events elsewhere.',
  ),
  weeklyBackupDays: z
    .int()
    .max(3650)
    .refine((days) => days === 0 || days >= 7)
    .optional()
    .register(fields, {
      constraint: '0, or a whole number from 7 to 3650',
      description:
        'Days that weekly copies by AWS Backup are kept, each of the whole table at half the price of its recovery a month. 0 ends the copies and keeps their vault, which would otherwise stay behind.',
      example: 35,
    }),
  provisioned: z
    .strictObject({
      write: units('Write'),
      read: units('Read'),
      utilizationPercent: wholeNumber(20, 90, 70, 'How busy capacity is before it is raised.'),
    })
    .optional(),
});

type TableChoice = z.output<typeof tableChoice>;

/** Returns a sentence for each choice that AWS would refuse, or that leaves data without a copy. */
export function brokenTableRules({ provisioned, pointInTimeRecovery }: TableChoice, mustHaveCopy: boolean): string[] {
  const inverted = (['write', 'read'] as const).flatMap((kind) => {
    const { from, to } = provisioned?.[kind] ?? { from: 0, to: 0 };
    return from <= to ? [] : [`provisioned.${kind}.to: got ${to}; must be at least \`from\`, ${from}`];
  });
  if (pointInTimeRecovery || !mustHaveCopy) return inverted;
  return [...inverted, 'pointInTimeRecovery: got false; must be true in prod, unless seal.enabled'];
}
