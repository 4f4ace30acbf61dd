import type { DomainStatement } from '../../lambdas/domain/archive/certificate.ts';
import { checkChain, type Fault, nameOfLink } from '../../lambdas/domain/archive/chain.ts';
import { createObjectCheck } from '../../lambdas/domain/archive/check-object.ts';
import { manifestKey } from '../../lambdas/domain/archive/layout.ts';
import { figuresOf, linkOf, type Manifest } from '../../lambdas/domain/archive/manifest.ts';
import { sha256Hex } from '../../lambdas/domain/archive/merkle.ts';
import { canonicalJson } from '../../lambdas/domain/canonical.ts';
import type { Slice } from '../../lambdas/domain/ledger/slice.ts';
import type { ArchiveSource } from './archive-source.ts';

type SealedArchive = Pick<ArchiveSource, 'readText' | 'open'>;

export interface ArchiveFindings {
  faults: Fault[];
  objects: number;
  rows: number;
  /** Rows whose recipient was erased, or that named one. */
  erased: number;
}

/**
 * Checks what a certificate states of a domain against the archive: that every manifest is there as stated, that the
 * chain goes on behind them, and that every object holds the rows that were sealed. `onObject` is called for each.
 */
export async function checkArchive(
  { domain, chain }: DomainStatement,
  archive: SealedArchive,
  onObject: () => void = () => {},
): Promise<ArchiveFindings> {
  const findings: ArchiveFindings = { faults: [], objects: 0, rows: 0, erased: 0 };
  for (const manifest of chain) {
    const text = await archive.readText(manifestKey(domain, manifest.sequence));
    const where = nameOfLink(manifest);
    if (text === undefined) findings.faults.push({ where, what: 'is not in the archive' });
    else if (text !== linkOf(manifest).text) findings.faults.push({ where, what: 'differs in the archive' });
  }
  const later = await linksBehind(domain, chain, archive);
  findings.faults.push(...later.faults);
  const rewrites = later.manifests.filter(({ kind }) => kind === 'rewrite');
  for (const manifest of chain) {
    findings.faults.push(...(await checkRecord(manifest, archive)));
    if (manifest.kind !== 'slice' || manifest.object === null) continue;
    await checkObject(manifest, [...chain, ...rewrites], archive, findings);
    onObject();
  }
  return findings;
}

/** Returns the manifests behind those of the certificate, which say what was written again since. */
async function linksBehind(domain: string, chain: readonly Manifest[], archive: SealedArchive) {
  const last = chain.at(-1);
  if (last === undefined) return { faults: [], manifests: [] };
  const texts = [linkOf(last).text];
  for (let sequence = last.sequence + 1; ; sequence += 1) {
    const text = await archive.readText(manifestKey(domain, sequence));
    if (text === undefined) break;
    texts.push(text);
  }
  const { links, faults } = checkChain(domain, texts);
  return { faults, manifests: links.slice(1).map(({ manifest }) => manifest) };
}

async function checkRecord({ record, slice }: Manifest, archive: SealedArchive): Promise<Fault[]> {
  if (record === undefined) return [];
  const text = await archive.readText(record.key);
  if (text === undefined) return [{ where: record.key, what: 'is not in the archive' }];
  if (sha256Hex(text) !== record.sha256)
    return [{ where: record.key, what: 'has other bytes than its manifest names' }];
  return figuresIn(text) === canonicalJson(slice)
    ? []
    : [{ where: record.key, what: 'has other figures than its manifest' }];
}

function figuresIn(record: string): string | undefined {
  try {
    return canonicalJson(figuresOf(JSON.parse(record) as Slice));
  } catch {
    return undefined;
  }
}

async function checkObject(
  manifest: Manifest,
  manifests: readonly Manifest[],
  archive: SealedArchive,
  findings: ArchiveFindings,
): Promise<void> {
  const { object } = manifest;
  if (object === null) return;
  const where = object.key;
  const stored = await archive.open(where);
  if (stored === undefined) {
    findings.faults.push({ where, what: 'is not in the archive' });
    return;
  }
  try {
    const named = manifests.filter((each) => each.object?.key === where).map((each) => each.object?.sha256);
    if (!named.includes(stored.sha256))
      findings.faults.push({ where, what: 'has other bytes than any manifest names' });
    const check = createObjectCheck(manifest);
    for await (const group of stored.rows()) for (const row of group) check.add(row);
    const { faults, rows, erased } = check.end();
    findings.faults.push(...faults);
    findings.objects += 1;
    findings.rows += rows;
    findings.erased += erased;
  } catch (error) {
    findings.faults.push({ where, what: `cannot be read as Parquet of the archive: ${(error as Error).message}` });
  } finally {
    await stored.discard();
  }
}
