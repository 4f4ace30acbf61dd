import { HEX, type Random } from '../random.ts';
import type { Mail } from './event-parts.ts';
import type { Timeline, TimelineStep } from './timeline.ts';

/** A message and its timeline. */
export interface ScheduledMessage {
  readonly timeline: Timeline;
  readonly mail: Mail;
  /** Start of its timeline within the day. */
  readonly startSeconds: number;
  readonly steps: readonly TimelineStep[];
}

interface Schedule {
  /** At least one. */
  readonly domains: readonly string[];
  /** Part of every new message id, so that runs do not share messages. */
  readonly run: string;
  readonly epochMs: number;
  /** Every timeline begins and ends within this time. */
  readonly daySeconds: number;
  readonly random: Random;
}

const PEOPLE = [
  'ada.byron@north.example',
  'Grace.Hopper@South.Example',
  'emmy+news@east.example',
  "o'brien@west.example",
  'lise@mail.north.example',
  'Hedy@south.example',
  'sofia.k@east.example',
] as const;

const SUBJECTS = ['Your order is on its way', 'Rechnung für März', 'Weekly digest', 'Reset your password'] as const;
const TAGS = [[], ['receipt'], ['newsletter', 'spring'], ['password-reset']] as const;

/** Assigns messages with ids and recipients to every timeline, spread over the day. */
export function scheduleMessages(timelines: readonly Timeline[], schedule: Schedule): ScheduledMessage[] {
  let scheduled = 0;
  return timelines.flatMap((timeline) =>
    Array.from({ length: timeline.messages }, (_, nth) => {
      const steps = timeline.steps(nth);
      const lastSecond = Math.max(...steps.map(({ afterSeconds, heldSeconds }) => afterSeconds + heldSeconds));
      const startSeconds = schedule.random.next() * Math.max(0, schedule.daySeconds - lastSecond);
      // In turn: drawn tags would leave one run in fifty without a failure under a given tag.
      const tags = TAGS[scheduled % TAGS.length] ?? [];
      scheduled += 1;
      return { timeline, mail: newMail(timeline, tags, schedule), startSeconds, steps };
    }),
  );
}

function newMail(timeline: Timeline, tags: readonly string[], { domains, run, epochMs, random }: Schedule): Mail {
  const domain = domains[random.below(domains.length)]!;
  const first = random.below(PEOPLE.length);
  return {
    domain,
    messageId: timeline.messageId?.(domain, run) ?? newMessageId(domain, run, epochMs, random),
    from: `"The shop" <hello@${domain}>`,
    to: timeline.recipients ?? timeline.expected.map((_, nth) => PEOPLE[(first + nth) % PEOPLE.length] ?? PEOPLE[0]),
    subject: random.pick(SUBJECTS),
    tags,
  };
}

/** Returns an id in Mailgun's form, without brackets. */
export function newMessageId(domain: string, run: string, epochMs: number, random: Random): string {
  const second = new Date(epochMs).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return `${second}.${run}${random.text(8, HEX)}@${domain}`;
}
