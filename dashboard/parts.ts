import { canBeTyped } from './command.ts';
import { type Attributes, type Child, h } from './dom.ts';
import { linkTo } from './route.ts';
import type { LedgerEvent } from './shapes.ts';
import { timeElement } from './time.ts';

// Pieces that several views are made of.

/** A name with a colour and a shape of its own: `good`, `wait`, `bad`, `unknown`. */
export type Mood = 'good' | 'wait' | 'bad' | 'unknown';

export function badge(text: string, mood: Mood): HTMLElement {
  return h('span', { class: `badge ${mood}` }, text);
}

const STATUS_MOODS: Readonly<Record<string, Mood>> = {
  DELIVERED: 'good',
  ACCEPTED: 'wait',
  DEFERRED: 'wait',
  FAILED: 'bad',
  COMPLAINED: 'bad',
};

/** A status; events that say nothing on delivery leave none. */
export function statusBadge(status: string | null): HTMLElement {
  if (status === null) return badge('no status', 'unknown');
  return badge(status.toLowerCase(), Object.hasOwn(STATUS_MOODS, status) ? (STATUS_MOODS[status] as Mood) : 'unknown');
}

export function panel(title: string, ...children: Child[]): HTMLElement {
  return h('section', { class: 'panel' }, h('h2', {}, title), ...children);
}

export function empty(text: string): HTMLElement {
  return h('p', { class: 'empty' }, text);
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Child;
  readonly numeric?: boolean;
}

export interface TableOptions {
  readonly caption: string;
  /** Rows become cards where the screen is narrow. */
  readonly cards?: boolean;
  /** Keeps the table to a height of its own. */
  readonly tall?: boolean;
}

/** A table; its first column names the row. One that does not fit scrolls by itself, by keyboard too. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { caption, cards, tall }: TableOptions,
): HTMLElement {
  const kind = ({ numeric }: Column<Row>) => (numeric ? { class: 'number' } : {});
  const cell = (column: Column<Row>, row: Row, position: number) => {
    const attributes: Attributes = { ...kind(column), 'data-head': column.head };
    return position === 0
      ? h('th', { ...attributes, scope: 'row' }, column.cell(row))
      : h('td', attributes, column.cell(row));
  };
  return h(
    'div',
    { class: `scroll${tall ? ' tall' : ''}`, tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      { class: cards ? 'cards' : undefined },
      h('caption', { class: 'unseen' }, caption),
      h('thead', {}, h('tr', {}, ...columns.map((column) => h('th', { ...kind(column), scope: 'col' }, column.head)))),
      h('tbody', {}, ...rows.map((row) => h('tr', {}, ...columns.map((column, at) => cell(column, row, at))))),
    ),
  );
}

/** A command line to take along. */
export function command(line: string): HTMLElement {
  return h(
    'div',
    { class: 'command' },
    h('code', {}, line),
    copyButton('Copy command', () => line),
  );
}

/** A command line with an argument that somebody else chose. */
export function commandOn(argument: string, line: string): HTMLElement {
  return canBeTyped(argument)
    ? command(line)
    : h('p', { class: 'note' }, 'The name holds signs that no command line can carry safely: no command is offered.');
}

export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = h(
    'button',
    {
      type: 'button',
      class: 'quiet',
      click: async () => {
        const done = await navigator.clipboard.writeText(text()).then(
          () => 'Copied',
          () => 'Not allowed to copy',
        );
        button.textContent = done;
        setTimeout(() => {
          button.textContent = label;
        }, 1500);
      },
    },
    label,
  );
  return button;
}

/** A label over its field. */
export function field(label: string, input: HTMLElement): HTMLElement {
  return h('label', { class: 'field' }, h('span', {}, label), input);
}

export function select(name: string, options: readonly (readonly [value: string, text: string])[], chosen: string) {
  return h(
    'select',
    { name },
    ...options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
  );
}

/** A form that leads to an address instead of sending anything. */
export function goForm(label: string, address: (values: FormData) => string, ...children: Child[]): HTMLFormElement {
  const form: HTMLFormElement = h(
    'form',
    {
      class: 'go',
      submit: (event) => {
        event.preventDefault();
        window.location.hash = address(new FormData(form));
      },
    },
    ...children,
    h('button', { type: 'submit' }, label),
  );
  return form;
}

/** What a form holds under a name, without blanks around it. */
export const textIn = (values: FormData, name: string): string => String(values.get(name) ?? '').trim();

/** Types that Mailgun has; the API takes any other too. */
export const EVENT_TYPES = [
  'accepted',
  'delivered',
  'failed',
  'complained',
  'unsubscribed',
  'opened',
  'clicked',
  'rejected',
] as const;

/** A name of nothing but blanks stands in quotes, or nobody could see or choose it. */
export const visible = (name: string): string => (name.trim() === '' ? JSON.stringify(name) : name);

export const messageLink = (messageId: string | null | undefined): Child =>
  messageId ? h('a', { href: linkTo('message', messageId), class: 'id' }, visible(messageId)) : 'no message id';

export const recipientLink = (recipient: string | null): Child =>
  recipient ? h('a', { href: linkTo('recipient', recipient) }, visible(recipient)) : 'no recipient';

/** `failed (permanent, bounce)` */
export function eventText({ event, severity, reason }: LedgerEvent): string {
  const more = [severity, reason].filter((part) => typeof part === 'string' && part !== '').join(', ');
  return more === '' ? event : `${event} (${more})`;
}

/** A table that grows by a page at a time, where there is more. */
export function paged<Row>(
  first: { readonly rows: readonly Row[]; readonly next: string | null },
  more: (cursor: string) => Promise<{ readonly rows: readonly Row[]; readonly next: string | null }>,
  show: (rows: readonly Row[]) => HTMLElement,
): HTMLElement {
  let rows = first.rows;
  let next = first.next;
  const holder = h('div', {}, show(rows));
  const trouble = h('p', { role: 'status', class: 'note' });
  const button = h(
    'button',
    {
      type: 'button',
      click: async () => {
        button.disabled = true;
        trouble.textContent = 'Loading…';
        try {
          const page = await more(next ?? '');
          rows = [...rows, ...page.rows];
          next = page.next;
          holder.replaceChildren(show(rows));
          trouble.textContent = `${rows.length} shown`;
        } catch {
          trouble.textContent = 'The next page could not be read; try again.';
        }
        button.disabled = false;
        button.hidden = next === null;
      },
    },
    'Show more',
  );
  button.hidden = next === null;
  return h('div', {}, holder, button, trouble);
}

export const shortTime = (at: number | string) => timeElement(at, 'short');
