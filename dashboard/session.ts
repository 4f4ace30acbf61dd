/** The URL and token to read with, kept in this tab's session only. */
export interface Session {
  readonly apiUrl: string;
  readonly token: string;
}

/** The content of `config.json`, beside the page. */
export interface Settings {
  /** The base of the read API; absent if the stack does not serve the page. */
  readonly apiUrl?: string;
  /** The target option of operator's commands: `--env prod`, `--local`. */
  readonly target?: string;
}

const KEY = 'mailgun-ledger.session';

export function readSession(settings: Settings): Session | undefined {
  try {
    const { apiUrl, token } = JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
    const known = settings.apiUrl ?? apiUrl;
    return typeof token === 'string' && typeof known === 'string' ? { apiUrl: known, token } : undefined;
  } catch {
    return undefined;
  }
}

export function keepSession(session: Session): void {
  sessionStorage.setItem(KEY, JSON.stringify(session));
}

export function endSession(): void {
  sessionStorage.removeItem(KEY);
}

/** Returns what an address may pass in: a token, and for a page without settings the API. */
interface HandedOver {
  readonly token: string;
  readonly apiUrl: string;
}

/** Removes a token from the address and the history before anything else happens, and returns it. */
export function takeHandedOver(): HandedOver | undefined {
  const { hash, pathname } = window.location;
  if (!hash.startsWith('#token=')) return undefined;
  const handed = new URLSearchParams(hash.slice(1));
  window.history.replaceState(null, '', `${pathname}#/${handed.get('view') ?? ''}`);
  return { token: handed.get('token') ?? '', apiUrl: handed.get('api') ?? '' };
}

/** Keeps the token of an address. The stack's own API address wins, because anyone can make an address. */
export function acceptHandedOver(handed: HandedOver | undefined, settings: Settings): void {
  const apiUrl = settings.apiUrl ?? handed?.apiUrl ?? '';
  if (handed && handed.token !== '' && apiUrl !== '') keepSession({ apiUrl, token: handed.token });
}
