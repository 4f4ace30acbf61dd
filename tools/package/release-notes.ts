import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// `node tools/package/release-notes.ts v0.2.0` prints a version's section of CHANGELOG.md; the version must be the
// package's.

const ROOT = join(import.meta.dirname, '../..');

/** Returns the section of a version; throws if it is missing or empty. */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((each) => each.startsWith(`[${version}] - `));
  const notes = section?.slice(section.indexOf('\n')).trim();
  if (!notes) throw new Error(`CHANGELOG.md says nothing of ${version}: give it a heading "## [${version}] - <date>"`);
  return `${notes}\n`;
}

/** Returns the version of a tag; throws if the package has another. */
export function versionOfTag(tag: string, packageVersion: string): string {
  if (tag !== `v${packageVersion}`)
    throw new Error(`the tag ${tag} is not v${packageVersion}, the version of package.json`);
  return packageVersion;
}

if (import.meta.main) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  process.stdout.write(releaseNotes(changelog, versionOfTag(process.argv[2] ?? '', version)));
}
