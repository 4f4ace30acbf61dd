import { MAX_URLS, type RegisteredWebhook, webhookDrift } from '../../../lambdas/domain/webhooks/webhook-drift.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { groupBy } from '../../output.ts';
import type { AccountHook, Registry } from './registry.ts';

/** The webhooks that one stack needs at Mailgun. */
export interface DesiredWebhooks {
  readonly domains: readonly string[];
  readonly url: string;
  readonly types: readonly string[];
}

/** A change at Mailgun, as `webhooks sync` prints it. */
export interface WebhookChange {
  readonly event: 'change';
  /** Null: for all domains of the account. */
  readonly domain: string | null;
  /** At the account several types, separated by commas. */
  readonly type: string;
  /** `remove-double`: the one of two registrations of this stack at the account that adds nothing to the other. */
  readonly change: 'add' | 'remove' | 'remove-double';
  /** URL of a removed registration; null for this stack's own, which may be secret. */
  readonly url: string | null;
}

/** One change, and the call that makes it. */
export interface SyncStep {
  readonly line: WebhookChange;
  run(registry: Registry): Promise<void>;
}

/** Takes the URLs of `remove` off a domain. */
export function removalsFromDomain(
  domain: string,
  registered: readonly RegisteredWebhook[],
  own: string,
  remove: readonly string[],
): SyncStep[] {
  const gone = registered.filter(({ level, url }) => level === 'domain' && remove.includes(url));
  return [...groupBy(gone, ({ url }) => url)].flatMap(([url, hooks]) =>
    hooks.map(({ type }, index) => ({
      line: { event: 'change', domain, type, change: 'remove', url: shown(url, own) } as const,
      run: once(index, (registry) => registry.removeFromDomain(domain, url)),
    })),
  );
}

/** Adds this stack to the types of a domain that do not come to it, where there is room once `remove` is gone. */
export function additionsToDomain(
  domain: string,
  registered: readonly RegisteredWebhook[],
  { url: own, types }: DesiredWebhooks,
  remove: readonly string[],
): SyncStep[] {
  const missing = webhookDrift(registered, own, types).filter(({ kind }) => kind === 'missing' || kind === 'no-room');
  const isAdded = (type: string) => {
    const kept = registered.filter(
      (each) => each.level === 'domain' && each.type === type && !remove.includes(each.url),
    );
    return missing.some((each) => each.type === type) && kept.length < MAX_URLS;
  };
  const added = types.filter(isAdded);
  return added.map((type, index) => ({
    line: { event: 'change', domain, type, change: 'add', url: null } as const,
    run: once(index, (registry) => registry.addToDomain(domain, own, added)),
  }));
}

/** This stack's own URL may be secret. */
const shown = (url: string, own: string) => (url === own ? null : url);

/** One call covers all types of a domain, so the first of its lines makes it. */
const once = (index: number, run: SyncStep['run']): SyncStep['run'] => (index === 0 ? run : async () => {});

/** Takes the URLs of `remove` off the account in a domain's region. */
export function removalsFromAccount(
  domain: string,
  registered: readonly RegisteredWebhook[],
  own: string,
  remove: readonly string[],
): SyncStep[] {
  const ofAccount = registered.filter(({ level, url }) => level === 'account' && remove.includes(url));
  return [...groupBy(ofAccount, ({ url }) => url)].map(([url, hooks]) => ({
    line: accountLine([...new Set(hooks.map(({ type }) => type))], 'remove', shown(url, own)),
    run: (registry) => registry.removeFromAccount(domain, url),
  }));
}

/**
 * Returns the wanted types not registered for this stack at the account, split by whether three other URLs block them.
 */
export function lackingAtAccount(
  registered: readonly RegisteredWebhook[],
  { url: own, types }: DesiredWebhooks,
  remove: readonly string[],
): { free: string[]; full: string[] } {
  const ofAccount = registered.filter(({ level, url }) => level === 'account' && !remove.includes(url));
  const urlsOf = (type: string) => new Set(ofAccount.filter((each) => each.type === type).map(({ url }) => url));
  const lacking = types.filter((type) => !urlsOf(type).has(own));
  const isFull = (type: string) => urlsOf(type).size >= MAX_URLS;
  return { free: lacking.filter((type) => !isFull(type)), full: lacking.filter(isFull) };
}

/** Registers this stack once at the account in a domain's region, for types that it lacks there. */
export function additionsToAccount(domain: string, own: string, types: readonly string[]): SyncStep[] {
  if (types.length === 0) return [];
  return [{ line: accountLine(types, 'add'), run: (registry) => registry.addToAccount(domain, own, types) }];
}

/** Time that Mailgun may take to apply a registration at the account. */
const ACCOUNT_DELAY_MS = 10 * 60_000;

/** Returns true if Mailgun certainly acts on a registration; never if its age is unknown. */
const isSettled = (nowMs: number) => (hook: AccountHook) =>
  hook.sinceMs !== undefined && hook.sinceMs <= nowMs - ACCOUNT_DELAY_MS;

/** Deletes the registrations of this stack at the account whose types all come by others too. */
export function doublesAtAccount(
  domain: string,
  hooks: readonly AccountHook[],
  { url: own }: DesiredWebhooks,
  nowMs: number,
): SyncStep[] {
  return secondOf(hooks, nowMs).map(({ id, types }) => ({
    line: accountLine(types, 'remove-double'),
    async run(registry) {
      if (!secondOf(await registry.atAccount(domain, own), nowMs).some((hook) => hook.id === id)) throw changed();
      await registry.deleteAtAccount(domain, id);
    },
  }));
}

/** All that read the same registrations, or what another run has left of them, keep the same. */
function secondOf(hooks: readonly AccountHook[], nowMs: number): AccountHook[] {
  if (!hooks.every(isSettled(nowMs))) return [];
  const kept = new Set<string>();
  return [...hooks].sort(byRank).filter(({ types }) => {
    const isSecond = types.length > 0 && types.every((type) => kept.has(type));
    for (const type of types) kept.add(type);
    return isSecond;
  });
}

/** Orders registrations by number of types, then by age. */
const byRank = (a: AccountHook, b: AccountHook) =>
  b.types.length - a.types.length || (a.sinceMs ?? 0) - (b.sinceMs ?? 0) || (a.id < b.id ? -1 : 1);

/** Takes this stack off a domain whose types all come to it by the account, for long enough that Mailgun acts on it. */
export function doublesOfDomain(
  domain: string,
  registered: readonly RegisteredWebhook[],
  hooks: readonly AccountHook[],
  { url: own }: DesiredWebhooks,
  nowMs: number,
): SyncStep[] {
  if (!isCovered(registered, hooks, own, nowMs)) return [];
  return ownOfDomain(registered, own).map(({ type }, index) => ({
    line: { event: 'change', domain, type, change: 'remove', url: null } as const,
    run: once(index, async (registry) => {
      if (!isCovered(await registry.read(domain), await registry.atAccount(domain, own), own, nowMs)) throw changed();
      await registry.removeFromDomain(domain, own);
    }),
  }));
}

const ownOfDomain = (registered: readonly RegisteredWebhook[], own: string) =>
  registered.filter(({ level, url }) => level === 'domain' && url === own);

function isCovered(
  registered: readonly RegisteredWebhook[],
  hooks: readonly AccountHook[],
  own: string,
  nowMs: number,
): boolean {
  const settled = hooks.filter(isSettled(nowMs));
  return ownOfDomain(registered, own).every(({ type }) => settled.some(({ types }) => types.includes(type)));
}

/** Registrations may change while a person decides. */
const changed = () => new TargetUnavailableError('what is registered at Mailgun has changed meanwhile; run it again');

function accountLine(
  types: readonly string[],
  change: WebhookChange['change'],
  url: string | null = null,
): WebhookChange {
  return { event: 'change', domain: null, type: types.join(','), change, url };
}

/** Returns a domain's registrations after these changes. */
export function afterChanges(
  registered: readonly RegisteredWebhook[],
  steps: readonly SyncStep[],
  own: string,
): RegisteredWebhook[] {
  let left = [...registered];
  for (const { line } of steps) {
    const level = line.domain === null ? 'account' : 'domain';
    const url = line.url ?? own;
    const meant = line.type.split(',').map((type) => ({ level, type, url }) as const);
    const isSame = (a: RegisteredWebhook, b: RegisteredWebhook) =>
      a.level === b.level && a.type === b.type && a.url === b.url;
    if (line.change === 'add') left.push(...meant);
    if (line.change === 'remove') left = left.filter((each) => !meant.some((gone) => isSame(each, gone)));
    if (line.change === 'remove-double') {
      const gone = meant.map((each) => left.find((other) => isSame(each, other)));
      left = left.filter((each) => !gone.includes(each));
    }
  }
  return left;
}

/** Returns what a change does, as a person reads it. */
export function changeText({ domain, type, change, url }: WebhookChange): string {
  const at = domain ?? 'the whole account';
  if (change === 'add') return `add ${type} of ${at} to this stack`;
  if (change === 'remove-double') return `delete the second registration of this stack at the account (${type})`;
  return `remove ${url ?? 'this stack'} from ${type} of ${at}`;
}
