import { HEX, type Random } from '../random.ts';
import type { Mail } from './event-parts.ts';
import type { Step, Story } from './story.ts';

/** A message with its part in a story. */
export interface CastMessage {
  readonly story: Story;
  readonly mail: Mail;
  /** When in the day its story begins. */
  readonly startSeconds: number;
  readonly steps: readonly Step[];
}

export interface Stage {
  /** At least one. */
  readonly domains: readonly string[];
  /** Part of every new message id, so that no run meets the messages of another. */
  readonly run: string;
  readonly epochMs: number;
  /** The time within which every story begins and ends. */
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

/** Gives every story its messages, with ids and people, spread over the day. */
export function castStories(stories: readonly Story[], stage: Stage): CastMessage[] {
  return stories.flatMap((story) =>
    Array.from({ length: story.messages }, (_, nth) => {
      const steps = story.steps(nth);
      const lastSecond = Math.max(...steps.map(({ afterSeconds, heldSeconds }) => afterSeconds + heldSeconds));
      const startSeconds = stage.random.next() * Math.max(0, stage.daySeconds - lastSecond);
      return { story, mail: newMail(story, stage), startSeconds, steps };
    }),
  );
}

function newMail(story: Story, { domains, run, epochMs, random }: Stage): Mail {
  const domain = domains[random.below(domains.length)]!;
  const first = random.below(PEOPLE.length);
  return {
    domain,
    messageId: story.messageId?.(domain, run) ?? newMessageId(domain, run, epochMs, random),
    from: `"The shop" <hello@${domain}>`,
    to: story.recipients ?? story.expected.map((_, nth) => PEOPLE[(first + nth) % PEOPLE.length] ?? PEOPLE[0]),
    subject: random.pick(SUBJECTS),
    tags: random.pick<readonly string[]>(TAGS),
  };
}

/** An id as Mailgun makes them, without brackets. */
export function newMessageId(domain: string, run: string, epochMs: number, random: Random): string {
  const second = new Date(epochMs).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return `${second}.${run}${random.text(8, HEX)}@${domain}`;
}
