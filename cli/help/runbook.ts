import { readFileSync } from 'node:fs';

const RUNBOOK = new URL('../../docs/runbook.md', import.meta.url);

/** Returns the section under a heading of the runbook, or the headings that there are. */
export function runbookSection(heading: string, page = readFileSync(RUNBOOK, 'utf8')) {
  const sections = page.split(/^(?=#{2,3} )/m).map((section) => ({
    heading: /^#+ (.*)/.exec(section)?.[1] ?? '',
    section,
  }));
  const found = sections.find((each) => each.heading.toLowerCase() === heading.toLowerCase());
  if (found !== undefined) return { isError: false, entries: [found.section.trim()] };
  return {
    isError: true,
    entries: [{ reason: 'unknown-heading', headings: sections.map((each) => each.heading).slice(1) }],
  };
}
