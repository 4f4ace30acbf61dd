import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { examples } from '../../api/openapi/examples.ts';
import { openApiPage } from '../../api/openapi/write.ts';
import { readParameters } from '../../api/read-parameters.ts';
import { readRoutes } from '../../api/routes.ts';
import { commandPage } from '../../cli/command-page.ts';
import { HELP_TOPICS, helpPage } from '../../cli/commands/help.ts';
import { TOOLS } from '../../cli/commands/mcp/server.ts';
import { STATUSES } from '../../lambdas/domain/event-types.ts';
import { FAILURE_CLASSES } from '../../lambdas/domain/status/failure-class.ts';
import { configurationPage } from '../../lib/config/configuration-page.ts';
import { parseFlags } from '../../tools/local-ledger/options/flags.ts';
import { parseArguments } from '../../tools/local-ledger/options/send-arguments.ts';
import { avoidedWords, findAvoided } from '../support/avoided-words.ts';
import { installTextDom, textOf } from '../support/pages/text-dom.ts';
import { Synthesized } from '../support/stacks/synthesized.ts';

// Texts for people contain no word that the glossary avoids. Texts are rendered, not searched for in the source.

const ROOT = join(import.meta.dirname, '../..');
const DASHBOARD = join(ROOT, 'dashboard');
const AVOIDED = avoidedWords();
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const pagesOf = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const expectPlain = (text: string) => expect(findAvoided(text, AVOIDED)).toEqual([]);

test('the glossary lists the words to avoid, without those that have another meaning', () => {
  const glossary = '*Avoid:* callback.\n*Avoid:* hook, event (for the request, not more), for good.\n';

  expect(avoidedWords(glossary)).toEqual(['callback', 'hook', 'for good']);
  expect(AVOIDED).toEqual(expect.arrayContaining(['answer', 'endpoint', 'nobody', 'seldom']));
  expect(AVOIDED).not.toContain('event');
});

test.each([
  ['the word', 'Nobody reads it.', ['nobody']],
  ['its plural and its verb forms', 'Two callbacks, answered.', ['callback', 'answer']],
  ['a word of two, over a line break', 'It is so\n    long.', ['so long']],
  ['no word within another', 'A webhook is recommended to webhook.site.', []],
  ['no name in code, an option or a link', 'See `endpoint`, --endpoint, [here](endpoint.md) and "endpoint".', []],
  ['no lists of such words', '*Avoid:* endpoint.', []],
])('a search for avoided words finds %s', (_name, text, found) => {
  expect(findAvoided(text, ['nobody', 'callback', 'answer', 'so long', 'mend', 'hook', 'endpoint'])).toEqual(
    found.map((word) => expect.stringContaining(`"${word}"`)),
  );
});

test.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesOf('docs'), ...pagesOf('docs/adr')])(
  '%s holds no avoided word',
  (page) => {
    expectPlain(read(page));
  },
);

test('the help of every command and of every topic holds no avoided word', async () => {
  const topics = Object.entries(HELP_TOPICS).map(([name, topic]) => helpPage(name, topic));

  expect(topics.length).toBeGreaterThan(3);
  expectPlain([await commandPage(), ...topics].join('\n'));
});

test.each([
  ['npm start', parseFlags],
  ['npm run send', parseArguments],
])('%s --help holds no avoided word', (_name, parse) => {
  const parsed = parse(['--help']);

  if (!('help' in parsed)) throw new Error('no help');
  expect(parsed.help).toContain('Usage:');
  expectPlain(parsed.help);
});

test('the tools for agents hold no avoided word', () => {
  expect(TOOLS.length).toBeGreaterThan(5);
  expectPlain(JSON.stringify(TOOLS.map(({ description, input }) => [description, input])));
});

test('the description of the read API and the page of the configuration hold no avoided word', () => {
  expectPlain(openApiPage());
  expectPlain(configurationPage());
});

describe('a stack with every feature', () => {
  const stack = new Synthesized('prod', {
    publish: { enabled: true },
    receivers: [{ name: 'crm', url: 'https://crm.mailgun-ledger.internal/', events: ['suppression.changed'] }],
    seal: { enabled: true },
    alarms: { notify: true, providers: ['gmail', 'yahoo', 'outlook'] },
  });
  const alarms = stack.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);

  test.each(alarms.map((alarm) => [String(alarm.AlarmName), String(alarm.AlarmDescription)]))(
    'the text of %s holds no avoided word',
    (_name, description) => {
      expectPlain(description);
    },
  );

  test('its health dashboard holds no avoided word', () => {
    const bodies = stack.ofType('AWS::CloudWatch::Dashboard').map(({ Properties }) => Properties.DashboardBody);
    const texts = [...JSON.stringify(bodies).matchAll(/\\"(?:title|label|markdown)\\":\\"(.*?)\\"/g)];

    expect(texts.length).toBeGreaterThan(10);
    expectPlain(texts.map(([, text]) => text).join('\n'));
  });

  test('has more than 40 alarms', () => {
    expect(alarms.length).toBeGreaterThan(40);
  });
});

test('messages of the read API about wrong parameters hold no avoided word', () => {
  const routes = readRoutes(['mg.example.com'], ['crm']);
  const messages = Object.values(routes).flatMap(({ parameters }) => {
    const wrong = Object.keys(parameters.shape).flatMap((name) =>
      ['', '?', '-1', '99999999', ['a', 'b'], [1], { a: ['b', 'c'] }].map((value) => ({ [name]: value })),
    );
    return [{}, { unknown: '1' }, ...wrong].map((raw) => readParameters(parameters, raw));
  });
  const refused = messages.flatMap((result) => (result.ok ? [] : [result.message]));

  expect(new Set(refused).size).toBeGreaterThan(40);
  expectPlain(refused.join('\n'));
});

describe('the dashboard', () => {
  let remove: () => void;
  beforeAll(() => {
    remove = installTextDom();
  });
  afterAll(() => remove());

  // Not by a literal name: the dashboard's files are for a browser, and compiled as such.
  const load = (file: string) => import(join(DASHBOARD, file));

  test('shows badges, marks, fields and failures without an avoided word', async () => {
    const { statusBadge, marks } = await load('components/parts.ts');
    const { eventFields } = await load('views/message/fields.ts');
    const { showFailure } = await load('components/failure.ts');
    const failures = [
      { kind: 'unreachable' },
      { kind: 'unknown', reason: '' },
      { kind: 'failed', status: 500, reason: '' },
    ];
    const event = { ...exampleOf('/events').events[0], severity: 'permanent' };
    const shown = [
      ...[...STATUSES, null].map(statusBadge),
      marks({ unconfirmed: true, testMode: true, direction: 'inbound' }),
      ...Object.keys(FAILURE_CLASSES).map((failureClass) => eventFields({ ...event, failureClass })),
      ...failures.map((failure) => showFailure(failure, '', () => {}, new AbortController().signal)).map(textOfView),
    ];

    expect(textOf(shown)).toContain('reported as spam');
    expectPlain(textOf(shown));
  });

  test.each([
    ['campaign', 'spring'],
    ['deliverability', ''],
    ['events', ''],
    ['find', ''],
    ['health', ''],
    ['message', 'a@example.com'],
    ['receiver', 'crm'],
    ['recipient', 'a@example.com'],
    ['search', 'receipt'],
  ])('shows %s without an avoided word', async (name, subject) => {
    const { [`${name}View`]: view } = await load(`views/${name}.ts`);
    const api = { get: async (path: string) => exampleOf(path) };
    const health = async () => exampleOf('/health');
    const shown = await view({ api, subject, parameters: new URLSearchParams(), settings: {}, health });

    expect(textOfView(shown).length).toBeGreaterThan(50);
    expectPlain(textOfView(shown));
  });
});

const textOfView = ({ title, content }: { title: string; content: unknown }) => `${title} ${textOf(content)}`;

/** The first response that the description of the API has for a path. */
function exampleOf(path: string) {
  const routes = Object.entries(readRoutes(['mg.example.com'], ['crm']));
  const [operation] = routes.find(([, route]) => route.path === path) ?? [];
  const found = Object.values(examples[operation as keyof typeof examples] ?? {})[0];
  if (found === undefined) throw new Error(`no example of ${path}`);
  // biome-ignore lint/suspicious/noExplicitAny: a response of any route
  return found.response as any;
}
