import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { installTextDom, textOf } from '../../support/text-dom.ts';

const ADDRESS = 'ada@example.org';

let remove: () => void;
beforeAll(() => {
  remove = installTextDom();
});
afterAll(() => remove());

// Not by a literal name: the dashboard's files are for a browser, and compiled as such.
const load = (file: string) => import(join(import.meta.dirname, '../../../dashboard', file));

type Query = Readonly<Record<string, unknown>>;
type Answers = Readonly<Record<string, (query: Query) => unknown>>;

/** The text of a view, read from responses by path. */
async function show(name: string, subject: string, answers: Answers, query = ''): Promise<string> {
  const { [`${name}View`]: view } = await load(`views/${name}.ts`);
  const api = { get: async (path: string, asked: Query = {}) => answers[path]?.(asked) };
  const health = async () => ({ domains: ['mg.example.com'] });
  const parameters = new URLSearchParams(query);
  const { title, content } = await view({ api, subject, parameters, settings: { target: '--local' }, health });
  return `${title} ${textOf(content)}`.replaceAll(/\s+/g, ' ');
}

const mail = {
  ...{ messageId: 'a@mg.example.com', status: 'DELIVERED', reason: null, statusAt: 1_770_000_000 },
  ...{ firstAt: 1_770_000_000, subject: null, tags: [], domain: 'mg.example.com', testMode: false },
  ...{ direction: 'outbound', unconfirmed: false },
};

describe('a recipient', () => {
  const unsuppressed = () => ({ recipient: ADDRESS, suppressed: false, suppressions: [] });
  const mails = (messages: readonly unknown[]) => ({ recipient: ADDRESS, messages, searched: null, next: null });

  test.each(['', 'status=failed'])(
    'of whom nothing is stored may be mistyped, and is not called good: %j',
    async (query) => {
      const answers = { '/suppressions': unsuppressed, '/recipients': () => mails([]) };
      const shown = await show('recipient', ADDRESS, answers, query);

      expect(shown).toContain('No mail to this address is stored: check its spelling.');
      expect(shown).not.toMatch(/none in force|Nothing speaks against/);
    },
  );

  test('whose mails do not fit the filter is one whose mail is stored', async () => {
    const answers = {
      '/suppressions': unsuppressed,
      '/recipients': ({ status }: Query) => mails(status ? [] : [mail]),
    };
    const shown = await show('recipient', ADDRESS, answers, 'status=failed');

    expect(shown).toContain('that fits the filter');
    expect(shown).toContain('none in force');
  });
});
