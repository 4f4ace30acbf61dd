import { MAX_URLS, type RegisteredWebhook, webhookDrift } from '../../../lambdas/domain/webhooks/webhook-drift.ts';
import { groupBy } from '../../group-by.ts';
import type { AccountHook, Registry } from './registry.ts';

/** What one stack wants of Mailgun. */
export interface DesiredWebhooks {
  readonly domains: readonly string[];
  readonly url: string;
  readonly types: readonly string[];
}

/** A change at Mailgun, as `webhooks sync` prints it. */
export interface Change {
  readonly event: 'change';
  /** Null: for all domains of the account. */
  readonly domain: string | null;
  readonly type: string;
  readonly change: 'add' | 'remove';
  /** Of what is removed; null for this stack's own, which may be secret. */
  readonly url: string | null;
}

/** One change, and how it is made. */
export interface Step {
  readonly line: Change;
  run(registry: Registry): Promise<void>;
}

/** Takes the URLs of `remove` off a domain. */
export function removalsFromDomain(
  domain: string,
  registered: readonly RegisteredWebhook[],
  remove: readonly string[],
): Step[] {
  const gone = registered.filter(({ level, url }) => level === 'domain' && remove.includes(url));
  return [...groupBy(gone, ({ url }) => url)].flatMap(([url, hooks]) =>
    hooks.map(({ type }, index) => ({
      line: { event: 'change', domain, type, change: 'remove', url } as const,
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
): Step[] {
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

/** One call is for all types of a domain, so the first of its lines makes it. */
const once = (index: number, run: Step['run']): Step['run'] => (index === 0 ? run : async () => {});

/** Takes the URLs of `remove` off the account in a domain's region. */
export function removalsFromAccount(
  domain: string,
  registered: readonly RegisteredWebhook[],
  remove: readonly string[],
): Step[] {
  const ofAccount = registered.filter(({ level, url }) => level === 'account' && remove.includes(url));
  return [...groupBy(ofAccount, ({ url }) => url)].map(([url, hooks]) => ({
    line: { event: 'change', domain: null, type: typesText(hooks.map(({ type }) => type)), change: 'remove', url },
    run: (registry) => registry.removeFromAccount(domain, url),
  }));
}

/** Registers this stack once at the account in a domain's region, for the types where there is room. */
export function additionsToAccount(
  domain: string,
  registered: readonly RegisteredWebhook[],
  { url: own, types }: DesiredWebhooks,
  remove: readonly string[],
): Step[] {
  const ofAccount = registered.filter(({ level, url }) => level === 'account' && !remove.includes(url));
  const added = types.filter((type) => {
    const urls = new Set(ofAccount.filter((each) => each.type === type).map(({ url }) => url));
    return !urls.has(own) && urls.size < MAX_URLS;
  });
  const doubled = webhookDrift(ofAccount, own, types).some(({ kind, url }) => kind === 'double' && url === undefined);
  if (added.length === 0 && !doubled) return [];
  const type = typesText(added.length > 0 ? added : types);
  const line: Change = { event: 'change', domain: null, type, change: added.length > 0 ? 'add' : 'remove', url: null };
  return [{ line, run: (registry) => registry.putAtAccount(domain, own, added) }];
}

/** How long Mailgun may take to act on a registration at the account. */
export const ACCOUNT_DELAY_MS = 10 * 60_000;

/** Takes this stack off a domain whose types all come to it by the account, for long enough that Mailgun acts on it. */
export function doublesOfDomain(
  domain: string,
  registered: readonly RegisteredWebhook[],
  atAccount: readonly AccountHook[],
  own: string,
  nowMs: number,
): Step[] {
  const covered = atAccount.filter(({ sinceMs = nowMs }) => sinceMs <= nowMs - ACCOUNT_DELAY_MS);
  const doubles = registered.filter(({ level, url }) => level === 'domain' && url === own);
  if (!doubles.every(({ type }) => covered.some(({ types }) => types.includes(type)))) return [];
  return doubles.map(({ type }, index) => ({
    line: { event: 'change', domain, type, change: 'remove', url: null } as const,
    run: once(index, (registry) => registry.removeFromDomain(domain, own)),
  }));
}

const typesText = (types: readonly string[]) => types.join(',');

/** Returns what a change does, as a person reads it. */
export function changeText({ domain, type, change, url }: Change): string {
  const at = domain ?? 'the whole account';
  return change === 'add'
    ? `add ${type} of ${at} to this stack`
    : `remove ${url ?? 'this stack'} from ${type} of ${at}`;
}
