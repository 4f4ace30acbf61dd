// Compares the webhooks registered at Mailgun with those this stack needs. Mailgun posts an event once to each URL
// registered for its type, whether for the domain or for the account, so a URL at both levels gets one copy.

/** A URL that Mailgun posts events of one type to: of one domain, or of all domains of the account. */
export interface RegisteredWebhook {
  level: 'domain' | 'account';
  type: string;
  url: string;
}

/**
 * `missing`: a wanted type is not registered for this stack; `no-room`: the same, and the domain has as many URLs as
 * Mailgun allows; `double`: this stack is registered at both levels, or under a second spelling that gets its own copy;
 * `foreign`: another URL gets this type too; `unwanted`: this stack is registered for a type it does not want.
 */
export type DriftKind = 'missing' | 'no-room' | 'double' | 'foreign' | 'unwanted';

export interface Drift {
  kind: DriftKind;
  type: string;
  /** Level of the registration; absent if it is missing. */
  level?: RegisteredWebhook['level'];
  /** The URL of `foreign`, and of another spelling; never this stack's own, which may be secret. */
  url?: string;
}

/** Mailgun's maximum of URLs for one type of a domain. */
export const MAX_URLS = 3;

/** Returns the differences between registered and wanted webhooks. */
export function webhookDrift(
  registered: readonly RegisteredWebhook[],
  ownUrl: string,
  wanted: readonly string[],
): Drift[] {
  const types = [...new Set([...wanted, ...registered.map(({ type }) => type)])];
  return types.flatMap((type) => {
    const ofType = registered.filter((each) => each.type === type);
    const own = ofType.filter(({ url }) => url === ownUrl);
    const others = ofType.filter(({ url }) => url !== ownUrl);
    return [
      ...(wanted.includes(type) && own.length === 0 ? [lacking(type, ofType)] : []),
      ...(!wanted.includes(type) ? own.map(({ level }): Drift => ({ kind: 'unwanted', type, level })) : []),
      ...own.slice(1).map(({ level }): Drift => ({ kind: 'double', type, level })),
      ...others.map(({ url, level }): Drift => {
        const kind = isSameReceiver(url, ownUrl) ? 'double' : 'foreign';
        return { kind, type, level, url };
      }),
    ];
  });
}

function lacking(type: string, ofType: readonly RegisteredWebhook[]): Drift {
  const isFull = ofType.filter(({ level }) => level === 'domain').length >= MAX_URLS;
  return { kind: isFull ? 'no-room' : 'missing', type };
}

/** Returns true if two URLs are spelled differently but equal, so that Mailgun posts to both. */
function isSameReceiver(url: string, ownUrl: string): boolean {
  const endpoint = (text: string) => {
    if (!URL.canParse(text)) return text;
    const { protocol, host, pathname } = new URL(text);
    return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  };
  return endpoint(url) === endpoint(ownUrl);
}
