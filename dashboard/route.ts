const VIEW_NAMES = [
  'health',
  'find',
  'search',
  'message',
  'recipient',
  'events',
  'mails',
  'live',
  'deliverability',
  'campaign',
  'receiver',
  'unknown',
] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** The views linked at the top of every page. */
export const NAVIGATION = [
  ['health', 'Health'],
  ['find', 'Find'],
  ['live', 'Live'],
  ['deliverability', 'Deliverability'],
  ['campaign', 'Campaigns'],
] as const;

/** A parsed address: `#/<view>/<subject>?<parameters>`. */
interface Route {
  readonly view: ViewName;
  readonly subject: string;
  readonly parameters: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#\/?/, ''), '?');
  const [name = '', subject = ''] = splitOnce(path, '/');
  const isPage = hash.startsWith('#/') && name !== '';
  const view = VIEW_NAMES.find((each) => each === name) ?? (isPage ? 'unknown' : 'health');
  return { view, subject: decoded(subject), parameters: new URLSearchParams(query) };
}

/** Returns the address of a view. It names everything that is shown, and never the token. */
export function linkTo(view: ViewName, subject = '', parameters: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  const query = new URLSearchParams(given).toString();
  return `#/${view}${subject === '' ? '' : `/${encodeURIComponent(subject)}`}${query === '' ? '' : `?${query}`}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
