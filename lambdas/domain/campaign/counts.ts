import { add, type Counts } from '../ledger/counts.ts';
import type { Percentiles } from './durations.ts';
import type { MailOutcome } from './mail-outcome.ts';

/** The actions of a person on any mail of a campaign, as bits, so that a million people fit into files or memory. */
export const PERSON = {
  openers: 1,
  clickers: 2,
  anyMachineOpeners: 4,
  anyMachineClickers: 8,
  complainers: 16,
  unsubscribers: 32,
};

/** Counts of mails, each one message at one recipient. */
export interface MailCounts {
  readonly mails: number;
  readonly accepted: number;
  readonly delivered: number;
  /** Deferred at least once, whatever the outcome. */
  readonly deferred: number;
  /** Failed permanently, also by a bounce after delivery. */
  readonly failed: number;
  readonly failedByClass: Readonly<Counts>;
  /** Neither delivered nor failed so far. */
  readonly withoutOutcome: number;
  /** In test mode, and counted as nothing else. */
  readonly testMode: number;
  /** Events that Mailgun does not list: possibly forged, and counted like others. */
  readonly unconfirmedEvents: number;
  readonly secondsToDelivery: Percentiles;
  /** From the delivery, or from the acceptance where it is not known, to the first open by a person. */
  readonly secondsToFirstOpen: Percentiles;
}

/** Counts of people, each once, however many mails of the campaign they got. */
export interface PeopleCounts {
  readonly people: number;
  readonly openers: number;
  readonly clickers: number;
  /** Opened, or clicked, by machines alone. */
  readonly machineOpeners: number;
  readonly machineClickers: number;
  readonly complainers: number;
  readonly unsubscribers: number;
}

/** Counts the mails of a campaign one by one, in memory that does not grow with their number. */
export class MailCounter {
  readonly #sums = {
    mails: 0,
    accepted: 0,
    delivered: 0,
    deferred: 0,
    failed: 0,
    withoutOutcome: 0,
    testMode: 0,
    unconfirmedEvents: 0,
  };
  readonly #classes: Counts = {};
  readonly #toDelivery = new Durations();
  readonly #toFirstOpen = new Durations();

  /** Counts one mail; returns the actions of its recipient, or undefined where it does not belong to the campaign. */
  add(mail: MailOutcome): number | undefined {
    if (mail.isInbound) return undefined;
    if (mail.isTestMode) {
      this.#sums.testMode += 1;
      return undefined;
    }
    const { acceptedAtMs, deliveredAtMs, openedAtMs, failure } = mail;
    this.#sums.mails += 1;
    this.#sums.accepted += Number(acceptedAtMs !== undefined);
    this.#sums.delivered += Number(deliveredAtMs !== undefined);
    this.#sums.deferred += Number(mail.wasDeferred);
    this.#sums.failed += Number(failure !== undefined);
    this.#sums.withoutOutcome += Number(deliveredAtMs === undefined && failure === undefined);
    this.#sums.unconfirmedEvents += mail.unconfirmed;
    if (failure !== undefined) add(this.#classes, failure.failureClass);
    this.#toDelivery.add(acceptedAtMs, deliveredAtMs);
    this.#toFirstOpen.add(deliveredAtMs ?? acceptedAtMs, openedAtMs);
    return personBits(mail);
  }

  counts(): MailCounts {
    return {
      ...this.#sums,
      failedByClass: { ...this.#classes },
      secondsToDelivery: this.#toDelivery.percentiles(),
      secondsToFirstOpen: this.#toFirstOpen.percentiles(),
    };
  }
}

function personBits(mail: MailOutcome): number {
  return (
    (mail.openedAtMs === undefined ? 0 : PERSON.openers) |
    (mail.isClicked ? PERSON.clickers : 0) |
    (mail.isOpenedByMachine ? PERSON.anyMachineOpeners : 0) |
    (mail.isClickedByMachine ? PERSON.anyMachineClickers : 0) |
    (mail.isComplained ? PERSON.complainers : 0) |
    (mail.isUnsubscribed ? PERSON.unsubscribers : 0)
  );
}

/** Returns the counts of different people, by what each of them did. */
export function peopleCounts(people: Iterable<number>): PeopleCounts {
  const sums = {
    people: 0,
    openers: 0,
    clickers: 0,
    machineOpeners: 0,
    machineClickers: 0,
    complainers: 0,
    unsubscribers: 0,
  };
  for (const bits of people) {
    sums.people += 1;
    for (const name of ['openers', 'clickers', 'complainers', 'unsubscribers'] as const) {
      sums[name] += Number((bits & PERSON[name]) !== 0);
    }
    sums.machineOpeners += Number((bits & (PERSON.openers | PERSON.anyMachineOpeners)) === PERSON.anyMachineOpeners);
    sums.machineClickers += Number(
      (bits & (PERSON.clickers | PERSON.anyMachineClickers)) === PERSON.anyMachineClickers,
    );
  }
  return sums;
}

/** Returns the sum of two counts that share no person. */
export function addPeople(one: PeopleCounts, other: PeopleCounts): PeopleCounts {
  const names = Object.keys(one) as (keyof PeopleCounts)[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as unknown as PeopleCounts;
}

const EXACT_SECONDS = 3600;
const MINUTE = 60;

/** Durations by whole seconds, from an hour on by whole minutes: as many numbers as there are minutes in the retention. */
class Durations {
  readonly #counts = new Map<number, number>();
  #total = 0;

  add(fromMs: number | undefined, toMs: number | undefined): void {
    // Clocks of different hosts may put the effect before the cause.
    if (fromMs === undefined || toMs === undefined) return;
    const exact = Math.max(0, Math.round((toMs - fromMs) / 1000));
    const seconds = exact <= EXACT_SECONDS ? exact : Math.round(exact / MINUTE) * MINUTE;
    this.#counts.set(seconds, (this.#counts.get(seconds) ?? 0) + 1);
    this.#total += 1;
  }

  percentiles(): Percentiles {
    const sorted = [...this.#counts].toSorted(([a], [b]) => a - b);
    const at = (share: number): number | null => {
      let left = Math.ceil(this.#total * share);
      for (const [seconds, count] of sorted) {
        left -= count;
        if (left <= 0) return seconds;
      }
      return null;
    };
    return { p50: at(0.5), p95: at(0.95) };
  }
}
