import { reportText } from '../../../../cli/commands/report/report-text.ts';
import { dollarsOf, isCut } from '../../../../cli/commands/report.ts';
import { MailCounter, peopleCounts } from '../../../../lambdas/domain/campaign/counts.ts';
import { mailOutcome } from '../../../../lambdas/domain/campaign/mail-outcome.ts';
import { taggedSlice } from '../../../../lambdas/domain/campaign/tagged-slices.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';

test.each([
  { name: 'a million events', read: { events: 1_000_000 }, dollars: 0.0625 },
  { name: 'a million objects', read: { objects: 1_000_000 }, dollars: 0.4 },
  { name: 'a million listings', read: { listings: 1_000_000 }, dollars: 5 },
  { name: 'ten gigabytes out of AWS', read: { bytes: 10e9 }, dollars: 0.9 },
])('the plan of a report counts $name', ({ read, dollars }) => {
  expect(dollarsOf({ events: 0, objects: 0, listings: 0, bytes: 0, ...read })).toBeCloseTo(dollars, 9);
});

test.each([false, true])('report states whether slices count every tag: %s', (cut) => {
  const counter = new MailCounter();
  counter.add(mailOutcome([]));
  const of = { tag: 'spring', domain: 'mg.example.com', from: '2026-11-01', to: '2026-11-08' };
  const facts = { ...of, completeness: 'complete' as const, completeFrom: null, cut };
  const text = reportText({ ...facts, mails: counter.counts(), people: peopleCounts([0]) });
  expect(text.some((line) => line.includes('very many tags'))).toBe(cut);
});

test.each([0, 3])('report has a separate row for undecided mail: %s', (withoutOutcome) => {
  const counter = new MailCounter();
  for (let mails = 0; mails < 4; mails += 1) counter.add(mailOutcome([]));
  const of = { tag: 'spring', domain: 'mg.example.com', from: '2026-11-01', to: '2026-11-08' };
  const facts = { ...of, completeness: 'complete' as const, completeFrom: null, cut: false };
  const text = reportText({ ...facts, mails: { ...counter.counts(), withoutOutcome }, people: peopleCounts([0]) });
  const rows = withoutOutcome === 0 ? [] : [expect.stringMatching(/ 3 {2}75\.0 %$/)];
  expect(text.filter((line) => line.includes('not decided yet'))).toEqual(rows);
});

test('report searches event by event only slices of the time of sending', () => {
  const slice = (start: number, rows: number) => {
    const tags = Object.fromEntries(Array.from({ length: rows }, (_, nth) => [`tag-${nth}`, { delivered: 1 }]));
    const counts = { missing: {}, altered: {}, unconfirmed: {}, expected: {} };
    const slice = { start, end: start + 900, tags, ...counts, short: 0, accepted: 0, unlisted: false };
    return taggedSlice(slice, 'spring');
  };
  const slices = [slice(0, 1000), slice(900, 10), slice(1800, 1000)];
  expect([isCut(slices, 900, 1800), isCut(slices, 899, 1800), isCut(slices, 900, 1801)]).toEqual([false, true, true]);
  expect([isCut(slices.slice(0, 2), 900), isCut(slices, 900)]).toEqual([false, true]);
});

test.each([
  { domain: 'gone.example.com', expectedText: 'the stub has none' },
  { domain: 'x.example.com', expectedText: "--domain x.example.com is not one of the stack's" },
])('report takes a domain that Mailgun no longer has, but not an unknown one: $domain', async (given) => {
  const openDeployment = async () => stubDeployment({ furtherDomains: ['gone.example.com'] });
  const args = ['report', 'spring', '--domain', given.domain, '--from', '2h', '--local'];
  const { lines, errors } = await runCommand(args, { openDeployment });
  expect([...lines, ...errors].join()).toContain(given.expectedText);
});
