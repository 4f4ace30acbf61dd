import { expect, test } from '@jest/globals';
import { countOfList } from '../support/spring-campaign.ts';
import { liveCampaign } from './campaign-world.ts';

// Whatever happened on the way, a report, by command or read API, says the numbers of a plain count over what Mailgun's twin made.

const WORLDS = Number(process.env.CAMPAIGN_WORLDS ?? 50);

test(`the report of ${WORLDS} troubled worlds equals a count over the list, number by number`, async () => {
  let mails = 0;
  let archived = 0;
  for (let seed = 1; seed <= WORLDS; seed += 1) {
    const { sent, count, respond } = await liveCampaign(seed);
    const { failures: _failures, ...wanted } = countOfList(sent);
    const { mails: counted, people } = (await count()) ?? {};
    expect({ seed, mails: counted, people }).toEqual({ seed, mails: wanted.mails, people: wanted.people });
    const { archive, ...response } = await respond();
    expect({ seed, mails: response.mails, people: response.people }).toEqual({
      ...{ seed, mails: wanted.mails, people: wanted.people },
    });
    mails += wanted.mails.mails;
    archived += Number(archive === 'counted');
  }
  expect(mails).toBeGreaterThan(10 * WORLDS);
  expect(archived).toBeGreaterThan(WORLDS / 5);
  if (process.env.CAMPAIGN_WORLDS !== undefined) console.log(`${WORLDS} worlds, ${mails} mails counted`);
}, 900_000);
