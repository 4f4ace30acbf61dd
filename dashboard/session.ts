/** What the page needs to read: kept for this tab's session and nowhere else. */
export interface Session {
  readonly apiUrl: string;
  readonly token: string;
}

/** What stands beside the page in `config.json`. */
export interface Settings {
  /** Base of the read API; absent where the page was not served by its stack. */
  readonly apiUrl?: string;
  /** Leads operator's commands to this stack: `--env prod`, `--local`. */
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

/** What an address may hand over: a token, and for a page without settings the API it is for. */
export interface HandedOver {
  readonly token: string;
  readonly apiUrl: string;
}

/** Takes a token out of the address and its history, before anything else can happen. */
export function takeHandedOver(): HandedOver | undefined {
  const { hash, pathname } = window.location;
  if (!hash.startsWith('#token=')) return undefined;
  const handed = new URLSearchParams(hash.slice(1));
  window.history.replaceState(null, '', `${pathname}#/${handed.get('view') ?? ''}`);
  return { token: handed.get('token') ?? '', apiUrl: handed.get('api') ?? '' };
}

/** What the stack says of itself goes first: an address can be anybody's. */
export function acceptHandedOver(handed: HandedOver | undefined, settings: Settings): void {
  const apiUrl = settings.apiUrl ?? handed?.apiUrl ?? '';
  if (handed && handed.token !== '' && apiUrl !== '') keepSession({ apiUrl, token: handed.token });
}
