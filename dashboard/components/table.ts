import { ApiError } from '../api.ts';
import { numberText } from '../values/numbers.ts';
import { type Attributes, type Child, h } from './dom.ts';

/** Rows that a table of limited height shows on a phone. */
const SEEN_AT_ONCE = 3;
/** A table of so few rows is not limited on a phone: a box that scrolls would cut them. */
const SHORT = 8;

interface TableColumn<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Child;
  readonly numeric?: boolean;
}

interface TableOptions {
  readonly caption: string;
  /** Rows become cards on a narrow screen. */
  readonly cards?: boolean;
  /** Limits the height of a table with many rows; the number of rows is then shown above. */
  readonly tall?: boolean;
}

/** Returns a table whose first column names the row. A table that does not fit scrolls, by keyboard too. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  { caption, cards, tall }: TableOptions,
): HTMLElement {
  const limit = rows.length > SHORT ? ' tall' : ' tall short';
  const kind = ({ numeric }: TableColumn<Row>) => (numeric ? { class: 'number' } : {});
  const cell = (column: TableColumn<Row>, row: Row, position: number) => {
    const attributes: Attributes = { ...kind(column), 'data-head': column.head };
    return position === 0
      ? h('th', { ...attributes, scope: 'row' }, column.cell(row))
      : h('td', attributes, column.cell(row));
  };
  const scrolling = h(
    'div',
    { class: `scroll${tall ? limit : ''}`, tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      { class: cards ? 'cards' : undefined },
      h('caption', { class: 'unseen' }, caption),
      h('thead', {}, h('tr', {}, ...columns.map((column) => h('th', { ...kind(column), scope: 'col' }, column.head)))),
      h('tbody', {}, ...rows.map((row) => h('tr', {}, ...columns.map((column, at) => cell(column, row, at))))),
    ),
  );
  if (!tall || rows.length <= SEEN_AT_ONCE) return scrolling;
  const note = h('p', { class: 'note rows' }, `${numberText(rows.length)} rows; scroll to see them all.`);
  // The screen's width decides if all rows fit.
  new ResizeObserver(() => {
    note.hidden = scrolling.scrollHeight <= scrolling.clientHeight;
  }).observe(scrolling);
  return h('div', {}, note, scrolling);
}

/** Returns a table that grows page by page. */
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
        } catch (error) {
          const isRefused = error instanceof ApiError && error.failure.kind === 'refused';
          trouble.textContent = isRefused
            ? 'The read API refused the token. Reload the page.'
            : 'The next page could not be read; try again.';
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
