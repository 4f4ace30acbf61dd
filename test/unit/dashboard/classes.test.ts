import type { MailgunClassesEntry } from '../../../api/responses/ledger.ts';
import { installTextDom, textOf } from '../../support/pages/text-dom.ts';

let remove: () => void;
let shown: (classes: MailgunClassesEntry | undefined) => string;

beforeAll(async () => {
  remove = installTextDom();
  // At runtime, so that the types of the browser stay out of this program.
  const path = '../../../dashboard/views/deliverability/classes.ts';
  const { classesPanel } = await import(path);
  shown = (classes) => textOf(classesPanel(classes, 'mg.example.com')).replace(/ +/g, ' ');
});
afterAll(() => remove());

const READ = {
  at: '2026-02-02T00:06:00.000Z',
  from: '2026-01-26T00:00:00.000Z',
  to: '2026-02-02T00:00:00.000Z',
  classes: [{ entity: 'Gmail', category: 'spam', severity: null, failures: 1200 }],
  cut: false,
};
const entry = (over: Partial<MailgunClassesEntry> = {}): MailgunClassesEntry => ({
  triedAt: '2026-02-02T00:06:00.000Z',
  note: null,
  read: READ,
  ...over,
});

test('the dashboard shows Mailgun’s own classes with their days and when they were read', () => {
  const text = shown(entry());
  expect(text).toContain('Mailgun’s own classes: mg.example.com, 2026-01-26 to 2026-02-01');
  expect(text).toMatch(/Gmail .*spam .*–.*1\D?200/);
  expect(text).toMatch(/whole days \(UTC\), read .*2026/);
  expect(text).not.toMatch(/gave none|left out/);
});

test('the dashboard shows a failed read since, and that classes were left out', () => {
  const text = shown(entry({ note: 'rate-limited', read: { ...READ, cut: true } }));
  expect(text).toMatch(/Rarer classes are left out/);
  expect(text).toMatch(/It gave none .*\(rate-limited\)/);
});

test('the dashboard states days without a failure, and shows nothing if Mailgun gave no classes', () => {
  expect(shown(entry({ read: { ...READ, classes: [] } }))).toContain('Mailgun has classified no failure');
  expect(shown(entry({ note: 'not-given', read: null }))).toBe('');
  expect(shown(undefined)).toBe('');
});
