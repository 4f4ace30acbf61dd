import type { MailgunClassesEntry } from '../../../api/responses/ledger.ts';
import { h } from '../../components/dom.ts';
import { empty, panel, visible } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { numberText } from '../../values/numbers.ts';
import { timeElement, utcDay } from '../../values/time.ts';

type Row = NonNullable<MailgunClassesEntry['read']>['classes'][number];

const name = (text: string | null) => (text === null ? '–' : visible(text));

/** Shows Mailgun's own classes of failures; nothing without any. */
export function classesPanel(classes: MailgunClassesEntry | undefined, domain: string): HTMLElement | undefined {
  if (!classes?.read) return undefined;
  const { note, triedAt, read } = classes;
  const title = `Mailgun’s own classes: ${domain}, ${utcDay(read.from)} to ${utcDay(Date.parse(read.to) / 1000 - 1)}`;
  return panel(
    title,
    read.classes.length === 0
      ? empty('Mailgun has classified no failure of these days.')
      : table<Row>(
          read.classes,
          [
            { head: 'Refused by', cell: ({ entity }) => name(entity) },
            { head: 'Category', cell: ({ category }) => name(category) },
            { head: 'Severity', cell: ({ severity }) => name(severity) },
            { head: 'Failures', numeric: true, cell: ({ failures }) => numberText(failures) },
          ],
          { caption: title, cards: true },
        ),
    h(
      'p',
      { class: 'note' },
      'Mailgun’s Bounce Classification of whole days (UTC), read ',
      timeElement(read.at),
      '.',
      read.cut && ' Rarer classes are left out.',
      note !== null && [' It gave none ', timeElement(triedAt), ` (${visible(note)}).`],
    ),
  );
}
