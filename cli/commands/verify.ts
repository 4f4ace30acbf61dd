import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import {
  checkCertificate,
  type DomainStatement,
  type RangeCompleteness,
  type RangeTotals,
} from '../../lambdas/domain/archive/certificate.ts';
import { type ChainFault, checkChain, nameOfLink } from '../../lambdas/domain/archive/chain.ts';
import { createObjectCheck } from '../../lambdas/domain/archive/check-object.ts';
import { figuresOf, linkOf, type Manifest, type SliceFigures } from '../../lambdas/domain/archive/manifest.ts';
import { sha256Hex } from '../../lambdas/domain/archive/merkle.ts';
import { chainPrefix, parseManifestKey } from '../../lambdas/domain/archive/object-keys.ts';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import type { Slice } from '../../lambdas/domain/ledger/slice.ts';
import { type ArchiveSource, openArchive } from '../certificates/archive-source.ts';
import { checkSignature, fingerprintOf, parseCertificate } from '../certificates/certificate-signature.ts';
import { type ChainProgress, createChainProgress, readManifests } from '../certificates/read-manifests.ts';
import type { CliContext, CommandBuilder } from '../command.ts';
import { UsageError, usingFile } from '../errors.ts';
import { counted, createEmit, number } from '../output.ts';

/** The lines of `verify --json`. */
export type VerifyLine =
  | { event: 'fault'; where: string; what: string }
  | ({ event: 'domain'; domain: string; verdict: RangeCompleteness } & RangeTotals)
  | { event: 'archive'; domain: string; objects: number; rows: number; erased: number }
  | {
      event: 'verified';
      holds: boolean;
      verdict: RangeCompleteness;
      ledger: string;
      from: string;
      to: string;
      key: string;
      /** True if the key was compared with one that is trusted. */
      isKeyCompared: boolean;
      isArchiveChecked: boolean;
      faults: number;
    };

interface VerifyOptions {
  readonly archive?: string;
  readonly key?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
It needs neither AWS nor the stack that wrote the certificate. With the archive, or a copy of it in a folder, it also
checks every object and row. Compare the key with one that you trust: prove prints its fingerprint, and
the output CertificateKeyArn names it.

Examples:
  npm run ledger -- verify certificate --key 0f6d…
  npm run ledger -- verify certificate --archive s3://the-bucket
  npm run ledger -- verify certificate --archive ./copy-of-the-archive --json

Needs on AWS: nothing; with --archive s3://… s3:GetObject and s3:ListBucket on the bucket.`;

export const verifyCommand: CommandBuilder = (context, run) =>
  new Command('verify')
    .summary('check a certificate, and the archive it is about')
    .description('check a certificate, and the archive it is about')
    .argument('<file>', 'the certificate, - for standard input')
    .option('--archive <place>', 'check the archive too: a folder, or s3://<bucket> by the credentials of the shell')
    .option('--key <fingerprint>', 'fingerprint of the key that must have signed it')
    .option('--json', 'JSON lines in place of text')
    .addHelpText('after', EXAMPLES)
    .action(run<VerifyOptions>((options, file = '') => verify(context, file, options)));

async function verify(context: CliContext, file: string, options: VerifyOptions): Promise<number> {
  const emit = createEmit<VerifyLine>(context, options.json);
  const signed = parseCertificate(await textOf(context, file));
  if (signed === undefined) throw new UsageError(`${file} is not a certificate`);
  const { certificate } = signed;
  const faults: ChainFault[] = [...(await checkSignature(signed, options.key)), ...checkCertificate(certificate)];
  const archive = options.archive === undefined ? undefined : await openArchive(options.archive);
  const progress = createChainProgress(context);
  let verdict: RangeCompleteness = certificate.domains.length === 0 ? 'unknown' : 'complete';
  for (const statement of certificate.domains) {
    const { domain, totals } = statement;
    emit({ event: 'domain', domain, verdict: statement.verdict, ...totals }, ...domainText(statement));
    verdict = worse(verdict, statement.verdict);
    if (archive === undefined) continue;
    const { faults: found, ...counts } = await checkArchive(statement, archive, progress);
    faults.push(...found);
    emit({ event: 'archive', domain, ...counts }, archiveText(counts));
  }
  for (const { where, what } of faults) emit({ event: 'fault', where, what }, `  ✖  ${where} ${what}`);
  const holds = faults.length === 0;
  const key = fingerprintOf(signed.publicKey);
  const { ledger, from, to } = certificate;
  const isKeyCompared = options.key !== undefined;
  emit(
    {
      event: 'verified',
      holds,
      verdict,
      ledger,
      from,
      to,
      key,
      isKeyCompared,
      isArchiveChecked: archive !== undefined,
      faults: faults.length,
    },
    holds ? `Verified: ${ledger}, ${from} to ${to}: ${verdict}.` : `Does not hold: ${counted(faults.length, 'fault')}.`,
    `Signed by the key ${key}${isKeyCompared ? '.' : ', which was not compared with one that you trust (--key).'}`,
  );
  if (!holds) return 1;
  return verdict === 'complete' ? 0 : 3;
}

async function textOf(context: CliContext, file: string): Promise<string> {
  if (file === '-') return context.readInput('certificate: ');
  return usingFile(`${file} cannot be read`, () => readFile(file, 'utf8'));
}

const ORDER: readonly RangeCompleteness[] = ['complete', 'unknown', 'incomplete'];
const worse = (one: RangeCompleteness, other: RangeCompleteness) =>
  ORDER.indexOf(one) > ORDER.indexOf(other) ? one : other;

function domainText({
  domain,
  verdict,
  totals,
}: {
  domain: string;
  verdict: RangeCompleteness;
  totals: RangeTotals;
}): string[] {
  const { slices, expected, missing, unconfirmed, archived } = totals;
  return [
    `${domain}: ${verdict}`,
    `  ${counted(slices, 'slice')}, ${number(expected)} events, ${number(missing)} missing, ` +
      `${number(unconfirmed)} unconfirmed, ${number(archived)} archived`,
  ];
}

function archiveText({ objects, rows, erased }: { objects: number; rows: number; erased: number }): string {
  return `  archive: ${counted(objects, 'object')}, ${counted(rows, 'row')}, ${number(erased)} of them erased`;
}

type SealedArchive = Pick<ArchiveSource, 'readText' | 'open' | 'list'>;

interface ArchiveFindings {
  faults: ChainFault[];
  objects: number;
  rows: number;
  /** Rows whose recipient was erased, or that named one. */
  erased: number;
}

/**
 * Checks a certificate's statement about a domain against the archive: every manifest exists as stated, the chain
 * continues after them, and every object holds the sealed rows.
 */
export async function checkArchive(
  { domain, chain: stated }: Pick<DomainStatement, 'domain' | 'chain'>,
  archive: SealedArchive,
  progress: ChainProgress = () => {},
): Promise<ArchiveFindings> {
  // What is no manifest is a fault of the certificate already.
  const chain = checkChain(domain, stated.map(canonicalJson)).links.map(({ manifest }) => manifest);
  const findings: ArchiveFindings = { faults: [], objects: 0, rows: 0, erased: 0 };
  const byPlace = new Map(chain.map((manifest) => [manifest.sequence, manifest]));
  let compared = 0;
  for await (const { place, text } of readManifests(archive, domain, byPlace.keys())) {
    const manifest = byPlace.get(place) as Manifest;
    const where = nameOfLink(manifest);
    if (text === undefined) findings.faults.push({ where, what: 'is not in the archive' });
    else if (text !== linkOf(manifest).text) findings.faults.push({ where, what: 'differs in the archive' });
    compared += 1;
    progress(domain, `${counted(compared, 'manifest')} compared`);
  }
  const later = await linksBehind(domain, chain, archive, progress);
  findings.faults.push(...later.faults);
  const rewrites = later.manifests.filter(({ kind }) => kind === 'rewrite');
  for (const [nth, manifest] of chain.entries()) {
    progress(domain, `objects of ${nth} of ${counted(chain.length, 'manifest')} checked`);
    findings.faults.push(...(await checkRecord(manifest, archive)));
    if (manifest.kind !== 'slice' || manifest.object === null) continue;
    await checkObject(manifest, [...chain, ...rewrites], archive, findings);
  }
  return findings;
}

/**
 * Returns the manifests behind those of the certificate, which say what was written again since. They are listed, so that
 * one that is absent is noticed by those behind it.
 */
async function linksBehind(
  domain: string,
  chain: readonly Manifest[],
  archive: SealedArchive,
  progress: ChainProgress,
) {
  const last = chain.at(-1);
  if (last === undefined) return { faults: [], manifests: [] };
  const places: number[] = [];
  for await (const key of archive.list(chainPrefix(domain))) {
    const place = parseManifestKey(key) ?? 0;
    if (place > last.sequence) places.push(place);
  }
  const texts = [linkOf(last).text];
  for await (const { text } of readManifests(archive, domain, places)) {
    if (text === undefined) continue;
    texts.push(text);
    progress(domain, `${counted(texts.length - 1, 'later manifest')} read`);
  }
  const { links, faults } = checkChain(domain, texts);
  return { faults, manifests: links.slice(1).map(({ manifest }) => manifest) };
}

async function checkRecord({ record, slice }: Manifest, archive: SealedArchive): Promise<ChainFault[]> {
  if (record === undefined) return [];
  const text = await archive.readText(record.key);
  if (text === undefined) return [{ where: record.key, what: 'is not in the archive' }];
  if (sha256Hex(text) !== record.sha256)
    return [{ where: record.key, what: 'has other bytes than its manifest names' }];
  return slice !== null && hasFigures(text, slice)
    ? []
    : [{ where: record.key, what: 'has other figures than its manifest' }];
}

/** What a state is judged by, of which an earlier version may not have counted all. */
const NO_COUNTS = { missing: {}, altered: {} };

/** Compares the figures that the manifest has: a later version may keep more. */
function hasFigures(record: string, figures: SliceFigures): boolean {
  try {
    const slice = { ...NO_COUNTS, ...(JSON.parse(record) as Partial<Slice>) } as Slice;
    const found: Partial<SliceFigures> = figuresOf(slice);
    const names = Object.keys(figures) as (keyof SliceFigures)[];
    return names.every(
      (name) => found[name] !== undefined && canonicalJson(found[name]) === canonicalJson(figures[name]),
    );
  } catch {
    return false;
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
