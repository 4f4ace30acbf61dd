import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BundledPackage,
  bundledPackages,
  thirdPartyNotices,
} from '../../../../tools/package/third-party-notices.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const DATALOADER: BundledPackage = {
  name: 'a',
  version: '1.0.0',
  license: 'MIT',
  author: 'Ada',
  licenseText: 'Copyright Ada',
  notice: undefined,
};

test('THIRD-PARTY-NOTICES.md, as `npm run docs` writes it, names every package in the bundles of functions', () => {
  const packages = bundledPackages();

  expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(['@middy/core', '@smithy/core', 'jose']));
  expect(read('THIRD-PARTY-NOTICES.md')).toBe(thirdPartyNotices(packages));
});

test('THIRD-PARTY-NOTICES.md holds the text of each licence, and the notices that it requires', () => {
  const notices = thirdPartyNotices([
    DATALOADER,
    { ...DATALOADER, name: 'b', license: 'Apache-2.0', licenseText: 'Apache License', notice: 'b is of b' },
  ]);

  expect(notices).toContain('\n## MIT\n\n- a 1.0.0, Ada\n\n### Licence of a\n\n```\nCopyright Ada\n```\n');
  expect(notices).toContain('\n## Apache-2.0\n\n- b 1.0.0, Ada\n\n### Notice of b\n\n```\nb is of b\n```\n');
});

test.each(['GPL-3.0', 'none'])('generating THIRD-PARTY-NOTICES.md fails for a package under %s', (license) => {
  expect(() => thirdPartyNotices([{ ...DATALOADER, license }])).toThrow(`not known: ${license} of a`);
});

test('package.json names the licence of the file LICENSE', () => {
  const { license, files } = JSON.parse(read('package.json'));

  expect(license).toBe('Apache-2.0');
  expect(read('LICENSE')).toMatch(/^\s+Apache License\n\s+Version 2\.0, January 2004\n/);
  expect(files).toEqual(expect.arrayContaining(['NOTICE', 'THIRD-PARTY-NOTICES.md']));
});
