import { h } from '../components/dom.ts';

type Zone = 'local' | 'UTC';

let zone: Zone = 'local';
export const chosenZone = (): Zone => zone;
export const chooseZone = (chosen: Zone): void => {
  zone = chosen;
};

/** Returns epoch seconds or ISO 8601 as a readable time; the other zone shows on hover. */
export function timeElement(at: number | string, style: 'full' | 'short' = 'full'): HTMLElement {
  const date = dateOf(at);
  if (Number.isNaN(date.getTime())) return h('span', {}, 'time unknown');
  const other = zone === 'UTC' ? `${localText(date, 'full')} ${localZoneName()}` : utcText(date);
  const text =
    zone === 'UTC' ? (style === 'full' ? utcText(date) : utcText(date).slice(11, 16)) : localText(date, style);
  return h('time', { datetime: date.toISOString(), title: other }, text);
}

/** Returns the same as plain text, where no element is possible. */
export const timeText = (at: number | string, style: 'full' | 'short' = 'full'): string =>
  timeElement(at, style).textContent;

export function localZoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Returns the UTC day of a time, `2026-11-22`, as the read API takes it. */
export function utcDay(at: number | string): string {
  return dateOf(at).toISOString().slice(0, 10);
}

export const DAY_SECONDS = 86_400;

/** Returns the epoch seconds at which the present UTC day began. */
export const midnight = (): number => Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;

/** Returns the day that an address names, or the UTC day of another time where it names none. */
export function dayIn(parameters: URLSearchParams, name: string, other: number): string {
  const day = parameters.get(name) ?? '';
  return /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)) ? day : utcDay(other);
}

/** Returns the time between, such as `3 min`. */
export function spanText(seconds: number): string {
  const span = Math.abs(seconds);
  if (span < 1) return 'less than 1 s';
  if (span < 120) return `${Math.round(span)} s`;
  if (span < 7200) return `${Math.round(span / 60)} min`;
  if (span < 172_800) return `${Math.round(span / 3600)} h`;
  return `${Math.round(span / DAY_SECONDS)} days`;
}

const dateOf = (at: number | string) => new Date(typeof at === 'number' ? at * 1000 : at);

function localText(date: Date, style: 'full' | 'short'): string {
  const format: Intl.DateTimeFormatOptions =
    style === 'full' ? { dateStyle: 'medium', timeStyle: 'medium' } : { timeStyle: 'short' };
  return new Intl.DateTimeFormat(undefined, format).format(date);
}

const utcText = (date: Date) => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
