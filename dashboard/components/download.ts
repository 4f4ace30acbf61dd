import { csvLine } from '../../lambdas/domain/csv.ts';
import { h } from './dom.ts';

/** One column of a file: its name, and the value of a row. */
type CsvColumn<Row> = readonly [head: string, value: (row: Row) => string | number | null];

/** The content of a file in words, and its name without the ending. */
export type CsvFile = readonly [what: string, name: string];

/** Returns a button that saves rows as a table for a spreadsheet. */
export function csvButton<Row>(
  [what, name]: CsvFile,
  rows: readonly Row[],
  columns: readonly CsvColumn<Row>[],
): HTMLElement {
  const save = () => {
    const lines = [columns.map(([head]) => head), ...rows.map((row) => columns.map(([, value]) => value(row)))];
    // The byte order mark declares UTF-8, which some spreadsheets do not detect.
    saveFile(`${name}.csv`, `\uFEFF${lines.map((line) => `${csvLine(line)}\r\n`).join('')}`);
  };
  return h('button', { type: 'button', class: 'quiet csv', click: save }, `Download ${what} (CSV)`);
}

function saveFile(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  link.download = name.replaceAll(/[^\w.@-]+/g, '-');
  link.click();
  URL.revokeObjectURL(link.href);
}
