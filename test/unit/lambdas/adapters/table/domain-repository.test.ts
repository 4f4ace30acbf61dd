import { GetCommand, type PutCommand } from '@aws-sdk/lib-dynamodb';
import {
  createStackDomains,
  createUndiscoveredNotes,
} from '../../../../../lambdas/adapters/table/domain-repository.ts';
import type { LedgerTable } from '../../../../../lambdas/adapters/table/ledger-table.ts';
import { type LedgerDomains, NO_DOMAINS } from '../../../../../lambdas/domain/ledger/ledger-domains.ts';

const NOW_MS = 1_770_000_000_000;
const listed = (name: string) => ({ name, region: 'us' as const, foundAt: 0 });

function notes(first: Partial<LedgerDomains>) {
  const clock = { ms: NOW_MS };
  const state = { item: { ...NO_DOMAINS, ...first }, reads: 0, isDown: false, noted: [] as string[] };
  const client = {
    async send(command: GetCommand | PutCommand) {
      if (!(command instanceof GetCommand)) {
        state.noted.push(String(command.input.Item?.name));
        return {};
      }
      state.reads += 1;
      if (state.isDown) throw new Error('table is down');
      return { Item: { pk: 'LEDGER', sk: 'DOMAINS', ...state.item } };
    },
  };
  const table = { client, name: 'table' } as unknown as LedgerTable;
  const note = createUndiscoveredNotes(table, () => clock.ms);
  const domains = createStackDomains(table, 'account', () => clock.ms);
  const configured = createStackDomains(table, ['a.example.com'], () => clock.ms);
  return { note: (domain: string) => note(domain, clock.ms), domains, configured, clock, state };
}

test('domains that Mailgun does not list are recorded, gone and formerly configured ones too', async () => {
  const gone = { ...listed('gone.example.com'), goneAt: 1 };
  const { note, state } = notes({ domains: [listed('a.example.com'), gone], version: 1 });
  for (const domain of ['a.example.com', 'gone.example.com', 'configured.example.com', 'gone.example.com'])
    await note(domain);
  expect(state.noted).toEqual(['gone.example.com', 'configured.example.com']);
});

test('the domains are read once a minute, however many webhooks come', async () => {
  const { note, state, clock } = notes({ version: 1 });
  await note('new.example.com');
  state.item = { ...state.item, domains: [listed('new.example.com')], version: 2 };
  for (let nth = 0; nth < 100; nth += 1) await note('new.example.com');
  expect(state).toMatchObject({ reads: 1, noted: ['new.example.com'] });
  clock.ms += 3_600_000;
  await note('new.example.com');
  expect(state).toMatchObject({ reads: 2, noted: ['new.example.com'] });
});

test('a domain that only events name can be queried, and does not change the default domain', async () => {
  const { domains, state, clock } = notes({ domains: [listed('a.example.com')], version: 1 });
  const before = await domains();
  const names = ['a.example.com'];
  expect(before).toEqual({ names, withLedger: names, only: 'a.example.com', ends: new Map() });
  clock.ms += 60_000;
  expect(await domains()).toBe(before);
  clock.ms += 60_000;
  state.item = { ...state.item, undiscovered: [{ name: 'x.example.net', lastAt: 1 }], version: 2 };
  const after = { names: ['a.example.com', 'x.example.net'], withLedger: names, only: 'a.example.com' };
  expect(await domains()).toMatchObject(after);
});

test("the ledger of a domain that left the account ends then, as that of a list's does", async () => {
  const gone = { ...listed('old.example.com'), goneAt: 1234 };
  const { domains } = notes({ domains: [listed('a.example.com'), gone], version: 1 });
  expect((await domains()).withLedger).toEqual(['a.example.com', 'old.example.com']);
  expect((await domains()).ends).toEqual(new Map([['old.example.com', 1234]]));
});

test('former domains can be queried, once the table has been read, and do not change the default domain', async () => {
  const former = { ...listed('old.example.com'), goneAt: 1234 };
  const { configured, state, clock } = notes({ domains: [listed('a.example.com'), former], version: 1 });
  state.isDown = true;
  expect(await configured()).toMatchObject({ names: ['a.example.com'], only: 'a.example.com' });
  state.isDown = false;
  const known = await configured();
  expect(known).toEqual({
    names: ['a.example.com', 'old.example.com'],
    withLedger: ['a.example.com', 'old.example.com'],
    only: 'a.example.com',
    ends: new Map([['old.example.com', 1234]]),
  });
  state.isDown = true;
  clock.ms += 60_000;
  expect(await configured()).toBe(known);
  expect(state.reads).toBe(3);
});
