import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { releaseNotes, versionOfTag } from '../../../../tools/package/release-notes.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const CHANGELOG =
  '# Changelog\n\n## [0.2.0] - 2026-11-28\n\n### Added\n\n- This.\n\n## [0.1.0] - 2026-11-22\n\n- That.\n';

test('the notes of a version are its section, without its heading', () => {
  expect(releaseNotes(CHANGELOG, '0.2.0')).toBe('### Added\n\n- This.\n');
  expect(releaseNotes(CHANGELOG, '0.1.0')).toBe('- That.\n');
});

test.each(['0.3.0', '0.2', '0'])('release notes of a version that is not in the changelog fail: %s', (version) => {
  expect(() => releaseNotes(CHANGELOG, version)).toThrow(`says nothing of ${version}`);
});

test('a version with an empty section fails', () => {
  expect(() => releaseNotes('## [1.0.0] - 2026-11-28\n\n## [0.1.0] - 2026-11-22\n', '1.0.0')).toThrow('says nothing');
});

test("a tag of another version than the package's fails", () => {
  expect(versionOfTag('v0.2.0', '0.2.0')).toBe('0.2.0');
  expect(() => versionOfTag('v0.2.1', '0.2.0')).toThrow('the tag v0.2.1 is not v0.2.0');
});

test('the version of the package has notes', () => {
  const { version } = JSON.parse(read('package.json'));

  expect(releaseNotes(read('CHANGELOG.md'), version).length).toBeGreaterThan(100);
});
