import { addPeople, MailCounter, PERSON, peopleCounts } from '../../../../../lambdas/domain/campaign/counts.ts';
import { type MailEvent, type MailOutcome, mailOutcome } from '../../../../../lambdas/domain/campaign/mail-outcome.ts';
import fc from '../../../../support/property.ts';

const NOTHING = mailOutcome([]);
const mail = (over: Partial<MailOutcome>): MailOutcome => ({ ...NOTHING, ...over });

describe('MailCounter', () => {
  test('returns exact percentiles by nearest rank in any order of mails', () => {
    const seconds = fc.array(fc.integer({ min: 0, max: 3600 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(seconds, (all) => {
        const counter = new MailCounter();
        for (const each of all) counter.add(mail({ acceptedAtMs: 1000, deliveredAtMs: 1000 + each * 1000 }));
        const sorted = all.toSorted((a, b) => a - b);
        expect(counter.counts().secondsToDelivery).toEqual({
          p50: sorted[Math.ceil(sorted.length * 0.5) - 1],
          p95: sorted[Math.ceil(sorted.length * 0.95) - 1],
        });
      }),
    );
  });

  test('rounds durations from an hour on to minutes, and counts an effect before its cause as zero', () => {
    const counter = new MailCounter();
    counter.add(mail({ acceptedAtMs: 0, deliveredAtMs: 3_629_000 }));
    expect(counter.counts().secondsToDelivery).toEqual({ p50: 3600, p95: 3600 });
    const early = new MailCounter();
    early.add(mail({ acceptedAtMs: 5000, deliveredAtMs: 4000 }));
    expect(early.counts().secondsToDelivery).toEqual({ p50: 0, p95: 0 });
  });

  test('counts mail in test mode separately, and inbound mail not at all', () => {
    const counter = new MailCounter();
    expect(counter.add(mail({ isTestMode: true, deliveredAtMs: 1 }))).toBeUndefined();
    expect(counter.add(mail({ isInbound: true, deliveredAtMs: 1 }))).toBeUndefined();
    expect(counter.counts()).toMatchObject({ mails: 0, delivered: 0, testMode: 1 });
  });
});

describe('people', () => {
  test.each<[string, number[], object]>([
    ['a person and a machine opened', [PERSON.openers | PERSON.anyMachineOpeners], { openers: 1, machineOpeners: 0 }],
    ['a machine alone opened', [PERSON.anyMachineOpeners], { openers: 0, machineOpeners: 1 }],
    ['a machine alone clicked', [PERSON.anyMachineClickers], { clickers: 0, machineClickers: 1 }],
    ['nothing was done', [0], { people: 1, openers: 0, machineOpeners: 0 }],
    ['two complained and one left', [PERSON.complainers, 48], { people: 2, complainers: 2, unsubscribers: 1 }],
  ])('are counted where %s', (_name, bits, expected) => {
    expect(peopleCounts(bits)).toMatchObject(expected);
  });

  test('in two lists without a person in common add up', () => {
    const anyPeople = fc.array(fc.nat(63));
    fc.assert(
      fc.property(anyPeople, anyPeople, (one, other) => {
        expect(addPeople(peopleCounts(one), peopleCounts(other))).toEqual(peopleCounts([...one, ...other]));
      }),
    );
  });
});

describe('mailOutcome', () => {
  const event = (name: string, atMs: number, more: object = {}): MailEvent => ({
    event: { event: name, ...more },
    eventKey: `${name}#${atMs}`,
    atMs,
    isUnconfirmed: false,
  });

  test('campaign counts do not depend on the order of events, and the earliest of each type counts', () => {
    const events = [
      ...[event('accepted', 1), event('delivered', 5), event('delivered', 9)],
      ...[event('opened', 20), event('opened', 12, { 'client-info': { bot: 'apple' } })],
      event('failed', 30, { severity: 'permanent', 'delivery-status': { message: 'mailbox full', code: 552 } }),
      event('failed', 40, { severity: 'permanent', 'delivery-status': { message: 'no such user' } }),
      event('failed', 2, { severity: 'temporary' }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (shuffled) => {
        expect(mailOutcome(shuffled)).toMatchObject({
          acceptedAtMs: 1,
          deliveredAtMs: 5,
          openedAtMs: 20,
          isOpenedByMachine: true,
          wasDeferred: true,
          failure: { atMs: 30, failureClass: 'mailbox-full', code: '552', text: 'mailbox full' },
        });
      }),
    );
  });

  test('a temporary failure after which Mailgun gave up is a failure', () => {
    const given = mailOutcome([event('failed', 1, { severity: 'temporary', reason: 'old' })]);
    expect(given).toMatchObject({ wasDeferred: false, failure: { failureClass: 'too-old', reason: 'old' } });
  });
});
