import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

// Files of this repository that GitHub and Renovate read.

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const FORMS = readdirSync(join(ROOT, '.github/ISSUE_TEMPLATE')).filter((file) => file !== 'config.yml');

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: { readonly type: string; readonly id?: string; readonly attributes: Record<string, string> }[];
}

test.each(FORMS)('%s is a form that requests the output of doctor', (file) => {
  const { name, description, body } = parse(read(`.github/ISSUE_TEMPLATE/${file}`)) as Form;
  const fields = body.filter(({ type }) => type !== 'markdown');

  expect([name, description].every((text) => text.length > 5)).toBe(true);
  expect(fields.every(({ id, attributes }) => id !== undefined && attributes.label !== undefined)).toBe(true);
  expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
  expect(fields.find(({ id }) => id === 'doctor')?.attributes.description).toContain('npm run ledger -- doctor --env');
});

test('CODEOWNERS names existing folders', () => {
  const folders = [...read('.github/CODEOWNERS').matchAll(/ (\/[\w./-]+\/)/g)].map(([, folder]) => folder ?? '');

  expect(folders.length).toBeGreaterThan(2);
  for (const folder of folders) expect(readdirSync(join(ROOT, folder)).length).toBeGreaterThan(0);
});

test('Renovate groups and pins existing packages', () => {
  const { packageRules } = JSON.parse(read('renovate.json')) as { packageRules: { matchPackageNames?: string[] }[] };
  const manifests = ['package.json', ...globSync('tools/*/package.json', { cwd: ROOT })].map((file) =>
    JSON.parse(read(file)),
  );
  const names = manifests.flatMap((manifest) =>
    ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) => Object.keys(manifest[kind] ?? {})),
  );
  const patterns = packageRules.flatMap(({ matchPackageNames = [] }) => matchPackageNames);
  const fits = (pattern: string) => (name: string) =>
    pattern.endsWith('/**') ? name.startsWith(pattern.slice(0, -2)) : name === pattern;

  expect(patterns.length).toBeGreaterThan(5);
  expect(patterns.filter((pattern) => pattern !== '@smithy/**' && !names.some(fits(pattern)))).toEqual([]);
});

test('every version is pinned, except those of peer dependencies', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json'));
  const versions = Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies });

  expect(versions.filter((version) => !/^(npm:[\w@/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))).toEqual([]);
});
