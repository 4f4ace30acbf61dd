import { csvLine } from '../../../../lambdas/domain/csv.ts';

test.each<[string, (string | number | null)[], string]>([
  ['plain text and numbers', ['ada@example.org', 7, -1.5], 'ada@example.org,7,-1.5'],
  ['nothing', [null, '', 0], ',,0'],
  ['a comma, a quotation mark and a line break', ['a,b', 'say "no"', 'one\ntwo'], '"a,b","say ""no""","one\ntwo"'],
  ['what a spreadsheet would run', ['=1+1', '+1', '-1', '@SUM(A1)', '\tx'], "'=1+1,'+1,'-1,'@SUM(A1),'\tx"],
  ['a formula with a comma', ['=HYPERLINK("https://x.example","y")'], `"'=HYPERLINK(""https://x.example"",""y"")"`],
])('csvLine writes %s', (_name, values, line) => {
  expect(csvLine(values)).toBe(line);
});
