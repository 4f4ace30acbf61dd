import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReportRow, type Results, sections } from './report.ts';

const RESULTS = join(import.meta.dirname, 'results.json');
const BENCHMARKS = join(import.meta.dirname, '../../docs/generated/benchmarks.md');

/** Returns the results of the last run. */
export const writtenResults = (): Results => JSON.parse(readFileSync(RESULTS, 'utf8'));

/** Writes the results and their page. */
export function writeResults(results: Results): void {
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(BENCHMARKS, page(results));
}

/** Returns the tables as a documentation page. */
function page(results: Results): string {
  const { command, date, machine } = results;
  const intro = `# Benchmarks

Written by \`${command}\` on ${date}: ${machine}. The same figures as data: \`tools/bench/results.json\`; dollars and what a template holds follow from them by \`npm run docs\`. Counts repeat to about one in a hundred, since records of a batch overtake each other; those of one kind of webhook alone repeat exactly, and are held by \`tools/bench/budget.json\`. Ratios repeat within the spread beside them. What they mean at other volumes: [scale](../scale.md).
`;
  const tables = sections(results).map(({ title, about, head, rows }) =>
    [
      `## ${title}`,
      ...(about === undefined ? [] : [about]),
      ...(head.length === 0 ? [] : [[row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')]),
    ].join('\n\n'),
  );
  return `${[intro.trim(), ...tables].join('\n\n')}\n`;
}

const row = (cells: ReportRow) => `| ${cells.join(' | ')} |`;

if (import.meta.main) {
  const text = page(writtenResults());
  if (!process.argv.includes('--check')) writeFileSync(BENCHMARKS, text);
  if (readFileSync(BENCHMARKS, 'utf8') !== text) {
    console.error('docs/generated/benchmarks.md is stale: run `npm run docs`');
    process.exitCode = 1;
  }
}
