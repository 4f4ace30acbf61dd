interface CachedResponse {
  readonly etag: string;
  /** The text, so that a caller who changes what was parsed changes no later response. */
  readonly text: string;
}

/** Returns a cache of responses by URL, which forgets the one that was used longest ago. */
export function createResponseCache(maxResponses: number) {
  const responses = new Map<string, CachedResponse>();
  return {
    get(url: string): CachedResponse | undefined {
      const found = responses.get(url);
      if (found !== undefined) {
        responses.delete(url);
        responses.set(url, found);
      }
      return found;
    },
    put(url: string, response: CachedResponse): void {
      responses.delete(url);
      responses.set(url, response);
      const [oldest] = responses.keys();
      if (responses.size > maxResponses && oldest !== undefined) responses.delete(oldest);
    },
  };
}
