import type { RotatingSecret } from '../domain/ports.ts';

/** The Mailgun API key out of the JSON secret `{"apiKey"}`; undefined while it is unset. Throws where it is not a JSON object. */
export function createApiKey(secret: RotatingSecret): () => Promise<string | undefined> {
  return async () => {
    const text = await secret.read();
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      // The parser's own message quotes the text.
    }
    if (typeof parsed !== 'object' || parsed === null) throw new Error('the API-key secret is not a JSON object');
    const { apiKey } = parsed as { apiKey?: unknown };
    return typeof apiKey === 'string' && apiKey.trim() !== '' ? apiKey.trim() : undefined;
  };
}
