import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandPage } from '../../cli/command-page.ts';
import { parsePicture } from '../support/pages/picture.ts';

// README, CONTRIBUTING, CHANGELOG and docs/ name only existing files and commands, and every one that must be named.

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** All that is tracked or about to be, without what was just deleted. */
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const documents = files.filter((file) => /^(README|CONTRIBUTING|CHANGELOG|docs\/.+)\.md$/.test(file));

const README = read('README.md');
const topLevel = [...new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]))];
const codeFolders = [...new Set(files.filter((file) => /\/.*\.ts$/.test(file)).map((file) => file.split('/')[0]))];
const lambdaFolders = readdirSync(join(ROOT, 'lambdas'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const functions = lambdaFolders.filter((name) => existsSync(join(ROOT, 'lambdas', name, 'handler.ts')));

test('README.md has at most 80 lines', () => {
  expect(README.trimEnd().split('\n').length).toBeLessThanOrEqual(80);
});

/** Counts words like `wc -w`. */
const countWords = (text: string) => text.split(/\s+/).filter((word) => word !== '').length;

/** Pages of README, CONTRIBUTING, CHANGELOG, docs/ and docs/adr/, without those that `npm run docs` writes. */
const handwritten = documents
  .filter((file) => /^(docs\/(adr\/)?)?[^/]+\.md$/.test(file))
  .filter((file) => !/^(Generated|Written) by `npm run docs`/m.test(read(file)));

const MAX_WORDS = 20_000;

test(`the pages written by hand hold at most ${MAX_WORDS} words together`, () => {
  const words = Object.fromEntries(handwritten.map((file) => [file, countWords(read(file))]));
  const sum = Object.values(words).reduce((total, count) => total + count, 0);
  const longest = Object.entries(words)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 5)
    .map(([file, count]) => `${file} (${count})`);

  if (sum > MAX_WORDS) {
    throw new Error(
      `The pages hold ${sum} words, ${sum - MAX_WORDS} too many. Cut what a command prints, what --help or another ` +
        `page says, or move a reason to the line of code that it explains. The longest: ${longest.join(', ')}.`,
    );
  }
});

test('words are counted as wc counts them, in handwritten pages alone', () => {
  expect(countWords('# One\n\n| two | `three  four` |\n')).toBe(8);
  expect(handwritten).toEqual(expect.arrayContaining(['README.md', 'docs/runbook.md', 'docs/first-deploy.md']));
  expect(handwritten).not.toContain('docs/scale.md');
  expect(handwritten.filter((file) => file.startsWith('docs/adr/'))).not.toEqual([]);
  expect(handwritten.filter((file) => file.startsWith('docs/generated/'))).toEqual([]);
});

describe("the README's table", () => {
  const table = /^\| box .*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(README)?.[1] ?? '';
  const named = table.split('\n').flatMap((row) => [...(row.split('|')[2] ?? '').matchAll(/`([^`]+)`/g)]);
  const folders = named.map(([, folder]) => folder);

  test('names every folder of code', () => {
    // Its own folders represent lambdas/.
    const wanted = codeFolders.filter((folder) => folder !== 'lambdas');

    expect(codeFolders).toEqual(expect.arrayContaining(['bin', 'lambdas', 'lib', 'test']));
    expect(wanted.filter((folder) => !folders.includes(folder))).toEqual([]);
  });

  test('names every folder of lambdas/', () => {
    expect(folders.filter((folder) => folder?.startsWith('lambdas/')).toSorted()).toEqual(
      lambdaFolders.map((name) => `lambdas/${name}`).toSorted(),
    );
  });
});

describe("the README's picture", () => {
  const source = /^```mermaid\n([\s\S]*?)^```$/m.exec(README)?.[1] ?? '';
  const { boxes, arrows, notUnderstood } = parsePicture(source);

  test('is a well-formed flowchart', () => {
    expect(notUnderstood).toEqual([]);
    expect(arrows.length).toBeGreaterThan(10);
  });

  test.each(functions)('shows %s and its connections', (name) => {
    expect([...boxes.keys()]).toContain(name);
    expect(arrows.filter(({ from, to }) => from === name || to === name)).not.toEqual([]);
  });

  test('shows no box twice', () => {
    const texts = [...boxes.values()];

    expect(texts).toEqual([...new Set(texts)]);
  });
});

test.each([
  ['an arrow to nothing', 'flowchart LR\n  a -->', 'a -->'],
  ['a bracket that stays open', 'flowchart LR\n  a["b --> c', 'a["b --> c'],
  ['a label that stays open', 'flowchart LR\n  a -- b c', 'a -- b c'],
  ['a word that Mermaid keeps to itself', 'flowchart LR\n  a --> end', 'a --> end'],
  ['another diagram', 'sequenceDiagram\n  a --> b', 'sequenceDiagram'],
])('the check finds a picture with %s', (_name, source, line) => {
  expect(parsePicture(source).notUnderstood).toContain(line);
});

/** Anchors of a page as GitHub makes them. */
function anchorsOf(file: string): string[] {
  const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links of a page that lead nowhere. */
function deadLinks(file: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(ROOT, linked))) return true;
      return anchor !== undefined && !(linked.endsWith('.md') && anchorsOf(linked).includes(anchor));
    });
}

const ignored = read('.gitignore').split('\n').filter(Boolean);
const SOURCE = /\.(ts|md|yaml|json)$/;

/** Words of code spans and blocks that are paths of the project and do not exist; `<…>` means any name. */
function deadPaths(text: string): string[] {
  const code = [...text.matchAll(/^ *```\w*\n([\s\S]*?)^ *```$|`([^`\n]+)`/gm)].map(([, block, span]) => block ?? span);
  // Outputs of commands (`-o`) need not exist.
  const words = code.flatMap((each) => (each ?? '').replaceAll(/ -o \S+/g, '').split(/[\s"'(),;=]+/));
  const paths = words
    .map((word) => word.replace(/^\.\/|[.:]+$/g, ''))
    .filter((word) => /^[\w.<>*-]+(\/[\w.<>*-]*)*$/.test(word))
    .filter((word) => !ignored.some((made) => word.startsWith(made)))
    .filter((word) => (word.includes('/') ? isInProject(word) : isFile(word)));
  return paths.filter((path) => !exists(path));
}

/** A pattern in a folder that is not ours names objects of a bucket. */
const isInProject = (word: string) =>
  topLevel.includes(word.split('/')[0]) || (SOURCE.test(word) && !word.includes('<'));

/** A name without a folder is a path only where it can be nothing else. */
const isFile = (word: string) => /^[\w-]+(\.[\w-]+)*\.(ts|md|yaml|json)$/.test(word);

function exists(path: string): boolean {
  const pattern = path.replaceAll(/<[^>]*>/g, '*').replace(/\/$/, '');
  if (!path.includes('/')) return existsSync(join(ROOT, path)) || files.some((file) => file.endsWith(`/${path}`));
  return globSync(pattern, { cwd: ROOT }).length > 0;
}

describe.each(documents)('%s', (file) => {
  test('has no dead link', () => {
    expect(deadLinks(file, read(file))).toEqual([]);
  });

  test('names only existing files and folders', () => {
    expect(deadPaths(read(file))).toEqual([]);
  });

  test('runs only existing scripts', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const run = [...read(file).matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, script]) => script);

    expect(run.filter((script) => !Object.hasOwn(scripts, script ?? ''))).toEqual([]);
  });
});

test('docs/generated/command-line.md is up to date with --help', async () => {
  const page = await commandPage();

  expect(page.match(/^## /gm)?.length).toBeGreaterThan(10);
  expect(read('docs/generated/command-line.md')).toBe(page);
});

test("every command's section names its permissions on AWS and its exit codes", async () => {
  const sections = (await commandPage()).split(/^## (?!Exit codes)/m).slice(1);

  expect(sections.filter((section) => !/^Needs on AWS: /m.test(section) || !/^Exit code: /m.test(section))).toEqual([]);
});

test('the check finds dead links and missing paths', () => {
  const text =
    'See [a](nothing.md), [b](README.md#nothing), `lib/nothing.ts`, `nowhere/at/all.ts`, `nothing.ts`, `tools/local-stack/<any>/`, ' +
    '`lambdas/<function>/nothing.ts` and\n```sh\nnode tools/local-stack/nothing.ts\n```\n';

  expect(deadLinks('README.md', text)).toEqual(['nothing.md', 'README.md#nothing']);
  expect(deadPaths(text)).toEqual([
    'lib/nothing.ts',
    'nowhere/at/all.ts',
    'nothing.ts',
    'lambdas/<function>/nothing.ts',
    'tools/local-stack/nothing.ts',
  ]);
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/glossary.md']));
});
