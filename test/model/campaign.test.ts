import { countOfList, type Sent } from '../support/fixtures/spring-campaign.ts';
import { shareOf } from '../support/share.ts';
import { liveCampaign } from './worlds/campaign-world.ts';

// Whatever faults occurred, reports by command and by read API must equal a plain count over the events that Mailgun's
// twin made.

/** Counts a list by names and event type. */
function countBy(
  all: readonly Sent[],
  namesOf: (event: Sent['event']) => readonly string[],
  typeOf: (event: Sent['event']) => string,
) {
  const rows: Record<string, Record<string, number>> = {};
  for (const { event } of all) {
    for (const name of new Set(namesOf(event))) {
      rows[name] ??= {};
      rows[name][typeOf(event)] = (rows[name][typeOf(event)] ?? 0) + 1;
    }
  }
  return rows;
}

const tagsOf = ({ tags }: Sent['event']) => {
  const named = ((tags as string[] | undefined) ?? []).map((tag) => tag.toLowerCase()).filter((tag) => tag !== '*');
  return ['*', ...(named.length === 0 ? [''] : named)];
};
/** If Mailgun gives no provider, the domain decides. */
const providerOf = ({ recipient, ...event }: Sent['event']) => {
  const named = String(event['recipient-provider'] ?? 'other').toLowerCase();
  return [named === 'other' && recipient.endsWith('@gmail.com') ? 'gmail' : named];
};
const outcomeOf = ({ event, severity }: Sent['event']) => (event === 'failed' ? `${severity}_fail` : event);

const WORLDS = shareOf(50);

test(`the report of ${WORLDS} troubled worlds equals a count over the list, number by number`, async () => {
  let mails = 0;
  let archived = 0;
  for (let seed = 1; seed <= WORLDS; seed += 1) {
    const { all, sent, count, respond, statistics } = await liveCampaign(seed);
    const { failures: _failures, ...wanted } = countOfList(sent);
    const { mails: counted, people } = (await count()) ?? {};
    expect({ seed, mails: counted, people }).toEqual({ seed, mails: wanted.mails, people: wanted.people });
    const { archive, ...response } = await respond();
    expect({ seed, mails: response.mails, people: response.people }).toEqual({
      seed,
      mails: wanted.mails,
      people: wanted.people,
    });
    expect({ seed, ...statistics() }).toEqual({
      seed,
      tags: countBy(all, tagsOf, ({ event }) => event),
      providers: countBy(all, providerOf, outcomeOf),
    });
    mails += wanted.mails.mails;
    archived += Number(archive === 'counted');
  }
  expect(mails).toBeGreaterThan(10 * WORLDS);
  expect(archived).toBeGreaterThan(WORLDS / 5);
}, 900_000);
