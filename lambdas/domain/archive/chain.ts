import { type ChainLink, type Manifest, parseManifest } from './manifest.ts';
import { objectKey, recordKey } from './object-keys.ts';

/** Something that does not hold, and where. */
export interface ChainFault {
  /** The chain link, slice, object or row, by name. */
  where: string;
  what: string;
}

/** Returns how a fault names a link of a chain. */
export function nameOfLink({ domain, sequence, start, number }: Manifest): string {
  return `manifest ${sequence} of ${domain} (slice ${new Date(start * 1000).toISOString()}, number ${number})`;
}

/**
 * Checks consecutive manifests of one domain, given by their texts: that each is well-formed and names the hash of the
 * one before it, that no sequence is left out, and that the numbers of each slice follow one another.
 */
export function checkChain(domain: string, texts: readonly string[]): { links: ChainLink[]; faults: ChainFault[] } {
  const links: ChainLink[] = [];
  const faults: ChainFault[] = [];
  texts.forEach((text, nth) => {
    const link = parseManifest(text);
    if (link === undefined) faults.push({ where: `manifest at place ${nth + 1} of ${domain}`, what: 'cannot be read' });
    else links.push(link);
  });
  links.forEach((link, nth) => {
    const { manifest } = link;
    const where = nameOfLink(manifest);
    if (manifest.domain !== domain) faults.push({ where, what: `belongs to another chain than ${domain}` });
    const before = links[nth - 1];
    if (before === undefined) return;
    const expected = before.manifest.sequence + 1;
    if (manifest.sequence !== expected) faults.push({ where, what: `manifest ${expected} is missing before it` });
    else if (manifest.previous !== before.hash) faults.push({ where, what: 'does not name the manifest before it' });
  });
  faults.push(...numbersThatDoNotFollow(links));
  return { links, faults };
}

/**
 * Returns gaps in the numbers of a slice's links; the first may have any number, since earlier ones can be before the
 * range.
 */
function numbersThatDoNotFollow(links: readonly ChainLink[]): ChainFault[] {
  const faults: ChainFault[] = [];
  const last = new Map<number, number>();
  const roots = new Map<string, string>();
  for (const { manifest } of links) {
    const { kind, start, number, object, record, root, domain } = manifest;
    const where = nameOfLink(manifest);
    if (object !== null && object.key !== objectKey(domain, start, number))
      faults.push({ where, what: `names the object ${object.key}, which belongs elsewhere` });
    if (record !== undefined && record.key !== recordKey(domain, start, number))
      faults.push({ where, what: `names the record ${record.key}, which belongs elsewhere` });
    if (kind === 'rewrite') {
      const before = roots.get(`${start}-${number}`);
      if (before !== undefined && before !== root)
        faults.push({ where, what: 'has another root than what it rewrites' });
      continue;
    }
    const before = last.get(start);
    if (before !== undefined && number !== before + 1) faults.push({ where, what: `follows number ${before}` });
    last.set(start, number);
    roots.set(`${start}-${number}`, root);
  }
  return faults;
}
