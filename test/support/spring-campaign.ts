import type { Random } from '../../tools/mailgun-twin/random.ts';
import type { EventData, Mail, Moment } from '../../tools/mailgun-twin/traffic/event-parts.ts';
import * as made from '../../tools/mailgun-twin/traffic/events.ts';
import { DOMAIN } from './webhooks.ts';

// A campaign of the twin's events, and a plain count over its list.

/** An event of the list, and its mail. */
export interface Sent {
  readonly messageId: string;
  readonly event: EventData;
}

/** Returns the mail under the tag spring, and other mail, in the minutes from a time on (epoch milliseconds). */
export function springMail(startMs: number, random: Random): { campaign: Sent[]; others: Sent[] } {
  return { campaign: [...campaignMails(), ...batchMails()], others: otherMails() };

  function mail(nth: number, tags: readonly string[], to: readonly string[]): Mail {
    const messageId = `${tags[0] ?? 'none'}.${nth}@${DOMAIN}`;
    return { domain: DOMAIN, messageId, from: `hello@${DOMAIN}`, to, subject: 'Spring', tags };
  }

  function at(of: Mail, recipient: string, second: number): Moment {
    return { mail: of, recipient, random, epochMs: startMs + second * 1000 };
  }

  /** Returns the events of one mail, by its number; every fifth recipient gets two mails. */
  function lifeOf(nth: number, of: Mail, recipient: string): Sent[] {
    const moment = (second: number) => at(of, recipient, nth + second);
    const events: EventData[] = [made.accepted(moment(0))];
    const kind = nth % 8;
    if (kind === 1) events.push(made.deferred(1, 600)(moment(1)), made.deferred(2, 600)(moment(20)));
    if (kind === 2) events.push(made.bounced(moment(2)));
    else if (kind === 3) events.push(made.tooOld(moment(90)));
    else if (kind === 4) events.push(made.suppressed(605)(moment(1)));
    else events.push(made.delivered(moment(1 + (nth % 30))));
    // Has no tag, like Mailgun's.
    if (kind === 5) events.push(made.delayedBounce(moment(100)));
    if (kind === 6)
      events.push(made.opened()(moment(60)), made.opened('apple')(moment(40)), made.clicked()(moment(61)));
    if (kind === 7) events.push(made.opened('apple')(moment(41)), made.clicked('generic')(moment(42)));
    if (nth % 16 === 6) events.push(made.complained(moment(120)), made.unsubscribed('*')(moment(121)));
    return events.map((event) => ({ messageId: of.messageId, event }));
  }

  function campaignMails(): Sent[] {
    return Array.from({ length: 48 }, (_, nth) => {
      const recipient = `Reader-${nth % 5 === 4 ? nth - 1 : nth}@north.example`;
      // Tags that differ only in case are one tag.
      return lifeOf(nth, mail(nth, [nth % 2 === 0 ? 'Spring' : 'spring', 'sale'], [recipient]), recipient);
    }).flat();
  }

  /** One message to several recipients. */
  function batchMails(): Sent[] {
    const recipients = ['one', 'two', 'three'].map((name) => `batch-${name}@north.example`);
    const of = mail(900, ['spring'], recipients);
    return recipients.flatMap((recipient, nth) => lifeOf([6, 2, 0][nth] as number, of, recipient));
  }

  function otherMails(): Sent[] {
    return Array.from({ length: 16 }, (_, nth) =>
      lifeOf(nth, mail(nth, ['receipts'], ['other@north.example']), 'other@north.example'),
    ).flat();
  }
}

/** Rounds seconds; from an hour on to whole minutes. */
function rounded(exact: number): number {
  const seconds = Math.round(exact);
  return seconds <= 3600 ? seconds : Math.round(seconds / 60) * 60;
}

/** Counts the list without sharing code with the product. */
export function countOfList(sent: readonly Sent[]) {
  const mails = Map.groupBy(sent, ({ messageId, event }) => `${messageId} ${event.recipient.toLowerCase()}`);
  const people = Map.groupBy(sent, ({ event }) => event.recipient.toLowerCase());
  const is =
    (name: string, more: (event: EventData) => boolean = () => true) =>
    (each: Sent) =>
      each.event.event === name && more(each.event);
  const isBot = (event: EventData) => Boolean((event['client-info'] as { bot?: string } | undefined)?.bot);
  const count = (groups: Map<string, Sent[]>, test: (each: Sent) => boolean) =>
    [...groups.values()].filter((group) => group.some(test)).length;
  const earliest = (group: readonly Sent[]) => group.toSorted((a, b) => a.event.timestamp - b.event.timestamp)[0];
  const permanent = is('failed', (event) => event.severity === 'permanent');
  const classOf = (event: EventData) =>
    ({
      ...{ bounce: 'unknown-user', old: 'too-old', 'suppress-bounce': 'suppressed' },
      ...{ 'suppress-unsubscribe': 'suppressed', 'suppress-complaint': 'suppressed' },
    })[String(event.reason)] ?? 'mailbox-full';
  const failures = [...mails.values()].flatMap((group) => earliest(group.filter(permanent))?.event ?? []);
  const between = (from: (each: Sent) => boolean, to: (each: Sent) => boolean) => {
    const seconds = [...mails.values()].flatMap((group) => {
      const [first, last] = [from, to].map((test) =>
        Math.min(...group.filter(test).map(({ event }) => Math.floor(event.timestamp * 1000))),
      ) as [number, number];
      return Number.isFinite(first) && Number.isFinite(last) ? [rounded((last - first) / 1000)] : [];
    });
    const sorted = seconds.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? null;
    return { p50: at(0.5), p95: at(0.95) };
  };
  const only = (name: string) =>
    count(people, is(name)) -
    count(
      people,
      is(name, (event) => !isBot(event)),
    );
  return {
    mails: {
      mails: mails.size,
      accepted: count(mails, is('accepted')),
      delivered: count(mails, is('delivered')),
      deferred: count(
        mails,
        is('failed', (event) => event.severity === 'temporary'),
      ),
      failed: failures.length,
      failedByClass: Object.fromEntries(
        [...Map.groupBy(failures, classOf)].map(([name, events]) => [name, events.length]),
      ),
      withoutOutcome: mails.size - count(mails, (each) => is('delivered')(each) || permanent(each)),
      testMode: 0,
      unconfirmedEvents: 0,
      secondsToDelivery: between(is('accepted'), is('delivered')),
      secondsToFirstOpen: between(
        is('delivered'),
        is('opened', (event) => !isBot(event)),
      ),
    },
    people: {
      people: people.size,
      openers: count(
        people,
        is('opened', (event) => !isBot(event)),
      ),
      clickers: count(
        people,
        is('clicked', (event) => !isBot(event)),
      ),
      machineOpeners: only('opened'),
      machineClickers: only('clicked'),
      complainers: count(people, is('complained')),
      unsubscribers: count(people, is('unsubscribed')),
    },
    failures,
  };
}
