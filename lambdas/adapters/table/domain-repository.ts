import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { ACCOUNT_DOMAINS, DAY_SECONDS, HOUR_SECONDS } from '../../contract.ts';
import { asciiJson } from '../../domain/json.ts';
import { bounceClassesKey, type ItemKey, LEDGER_DOMAINS_KEY, undiscoveredKey } from '../../domain/keys.ts';
import { CLASSES_KEPT_SECONDS, type KnownClasses, type ReadClasses } from '../../domain/ledger/bounce-classes.ts';
import {
  formerDomains,
  type LedgerDomains,
  listedNames,
  NO_DOMAINS,
  storedNames,
  type UndiscoveredDomain,
} from '../../domain/ledger/ledger-domains.ts';
import { memoizeLast } from '../../domain/memoize-last.ts';
import type {
  BounceClassRepository,
  DomainRepository,
  LastCount,
  LastCountsRepository,
} from '../../reconcile/ports.ts';
import { conditionalWrite, type LedgerTable, readPartition } from './ledger-table.ts';

/** Stores the domains that have or had a ledger in the item `DOMAINS`, and notes of others as items of `UNDISCOVERED`. */
export function createDomainRepository(table: LedgerTable): DomainRepository {
  const { client, name } = table;
  return {
    read: () => readLedgerDomains(table, true),

    async write(next, previous) {
      const written = { ...next, version: previous.version + 1 };
      const isWritten = await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...LEDGER_DOMAINS_KEY, ...written },
            ConditionExpression: previous.version === 0 ? 'attribute_not_exists(pk)' : 'version = :previous',
            ...(previous.version > 0 && { ExpressionAttributeValues: { ':previous': previous.version } }),
          }),
        ),
      );
      return isWritten ? written : undefined;
    },

    async undiscovered() {
      const found: UndiscoveredDomain[] = [];
      for await (const item of readPartition(table, undiscoveredKey('').pk)) {
        found.push({ name: item.name as string, lastAt: item.lastAt as number });
      }
      return found;
    },

    async dropUndiscovered(domain) {
      await client.send(new DeleteCommand({ TableName: name, Key: undiscoveredKey(domain) }));
    },
  };
}

/** Reads the domains that have or had a ledger; none before the first run of reconcile. */
export async function readLedgerDomains({ client, name }: LedgerTable, ConsistentRead = false): Promise<LedgerDomains> {
  const { Item } = await client.send(new GetCommand({ TableName: name, Key: LEDGER_DOMAINS_KEY, ConsistentRead }));
  if (Item === undefined) return NO_DOMAINS;
  const { pk: _pk, sk: _sk, ...known } = Item;
  return known as LedgerDomains;
}

const REREAD_MS = 60_000;

/**
 * Returns a function that reads the domains, at most a minute old, and the last known where the table cannot be read.
 */
function createRecentDomains(table: LedgerTable, now: () => number): () => Promise<LedgerDomains> {
  let held: { known: LedgerDomains; readAtMs: number } | undefined;
  return async () => {
    if (held !== undefined && now() - held.readAtMs < REREAD_MS) return held.known;
    try {
      const known = await readLedgerDomains(table);
      // Returns the same object while nothing has changed, so that callers can cache what they derive from it.
      held = { known: known.version === held?.known.version ? held.known : known, readAtMs: now() };
    } catch (error) {
      if (held === undefined) throw error;
      held.readAtMs = now();
    }
    return held.known;
  };
}

/** The domains of this stack; the same object while nothing has changed. */
export interface StackDomains {
  /** Every name under which events may be stored. */
  names: readonly string[];
  /** Those that have or had a ledger: all but those that only events name. */
  withLedger: readonly string[];
  /** The domain, if there is exactly one; former ones, and those that only events name, do not count. */
  only: string | undefined;
  /** When the ledgers of gone domains end, in epoch seconds. */
  ends: ReadonlyMap<string, number>;
}

const stackDomains = (
  names: readonly string[],
  own = names,
  withLedger = names,
  known: LedgerDomains['domains'] = [],
): StackDomains => ({
  names,
  withLedger,
  only: own.length === 1 ? own[0] : undefined,
  ends: new Map(known.flatMap(({ name, goneAt }) => (goneAt === undefined ? [] : [[name, goneAt] as const]))),
});

/** Returns a function that reads the domains of this stack. */
export function createStackDomains(
  table: LedgerTable,
  configured: readonly string[] | typeof ACCOUNT_DOMAINS,
  now: () => number,
): () => Promise<StackDomains> {
  const recent = createRecentDomains(table, now);
  if (configured !== ACCOUNT_DOMAINS) return createConfiguredDomains(configured, recent);
  const domainsOf = memoizeLast((known: LedgerDomains) => {
    const own = known.domains.map(({ name }) => name);
    return stackDomains(storedNames(known), own, own, known.domains);
  });
  return async () => domainsOf(await recent());
}

/**
 * Returns a function that adds the former domains; while the table was never read, only those that are configured are
 * known.
 */
function createConfiguredDomains(
  configured: readonly string[],
  recent: () => Promise<LedgerDomains>,
): () => Promise<StackDomains> {
  const without = stackDomains(configured);
  const withFormer = memoizeLast((known: LedgerDomains): StackDomains => {
    const former = formerDomains(known, configured);
    const names = [...configured, ...former.map(({ name }) => name)];
    return stackDomains(names, configured, names, former);
  });
  return async () => {
    const known = await recent().catch(() => undefined);
    return known === undefined ? without : withFormer(known);
  };
}

/** Returns a function that reads their names. */
export function createDomainNames(...given: Parameters<typeof createStackDomains>): () => Promise<readonly string[]> {
  const domains = createStackDomains(...given);
  return async () => (await domains()).names;
}

const KEPT_SECONDS = 60 * DAY_SECONDS;

/** Notes that events are stored of a domain that Mailgun does not list, once an hour. */
export function createUndiscoveredNotes(
  table: LedgerTable,
  now: () => number,
): (domain: string, nowMs: number) => Promise<void> {
  const { client, name } = table;
  const recent = createRecentDomains(table, now);
  const listedOf = memoizeLast(listedNames);
  const notedAt = new Map<string, number>();
  return async (domain, nowMs) => {
    if (listedOf(await recent()).has(domain)) return;
    const lastAt = Math.floor(nowMs / 1000 / HOUR_SECONDS) * HOUR_SECONDS;
    if (notedAt.get(domain) === lastAt) return;
    await client.send(
      new PutCommand({
        TableName: name,
        Item: { ...undiscoveredKey(domain), name: domain, lastAt, expiresAt: lastAt + KEPT_SECONDS },
      }),
    );
    if (notedAt.size > 1000) notedAt.clear();
    notedAt.set(domain, lastAt);
  };
}

/**
 * Stores the last counts of all domains as one item. Two runs at once may each lose what the other counted, until the
 * next one counts it.
 */
export function createLastCountsRepository({ client, name }: LedgerTable, Key: ItemKey): LastCountsRepository {
  return {
    async read() {
      const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
      const counts = JSON.parse((Item?.counts as string | undefined) ?? '[]') as [string, number, number][];
      return new Map(counts.map(([domain, count, atMs]): [string, LastCount] => [domain, { count, atMs }]));
    },

    async write(counts) {
      const rows = [...counts].map(([domain, { count, atMs }]) => [domain, count, atMs]);
      await client.send(new PutCommand({ TableName: name, Item: { ...Key, counts: asciiJson(rows) } }));
    },
  };
}

/** Stores Mailgun's classes as one item of each domain; TTL removes it once no run reads them any more. */
export function createBounceClassRepository({ client, name }: LedgerTable): BounceClassRepository {
  return {
    async read(domain) {
      const Key = bounceClassesKey(domain);
      const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
      if (Item === undefined) return undefined;
      const { triedAt, note, read } = Item as { triedAt: number; note: string | null; read: string };
      return { triedAt, note, read: JSON.parse(read) as ReadClasses | null };
    },

    async write(domain, next: KnownClasses, previous) {
      const isWritten = await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: {
              ...bounceClassesKey(domain),
              ...next,
              read: asciiJson(next.read),
              expiresAt: Math.floor(next.triedAt / 1000) + CLASSES_KEPT_SECONDS,
            },
            ConditionExpression: previous ? 'triedAt = :triedAt' : 'attribute_not_exists(pk)',
            ...(previous && { ExpressionAttributeValues: { ':triedAt': previous.triedAt } }),
          }),
        ),
      );
      // The SDK repeats a write whose reply was lost, and then finds its own.
      return isWritten || (await this.read(domain))?.triedAt === next.triedAt;
    },
  };
}
