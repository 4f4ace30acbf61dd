import { SignCommand } from '@aws-sdk/client-kms';
import { createManifestBucket } from '../../lambdas/adapters/archive/archive-objects.ts';
import { createSealStateRepository } from '../../lambdas/adapters/table/slice-repository.ts';
import { MAX_SLICE_SECONDS } from '../../lambdas/contract.ts';
import { type Certificate, type SealedRange, stateDomain } from '../../lambdas/domain/archive/certificate.ts';
import { checkChain, nameOfLink } from '../../lambdas/domain/archive/chain.ts';
import { fingerprintOf, readCertificateKey, signCertificate } from '../certificates/certificate-signature.ts';
import { type ChainProgress, createChainProgress, placesFrom, readManifests } from '../certificates/read-manifests.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkDomain,
  interruptible,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  timeOption,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { counted, number } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso } from '../time.ts';

interface ProveOptions extends TargetOptions {
  readonly from?: number;
  readonly to?: number;
  readonly domain?: string;
}

const EXAMPLES = `
Writes the certificate to standard output as JSON: for each domain whether the range is complete, the figures of its
slices and the chain of their manifests, signed with the stack's key. It covers only what is sealed. Anyone can check it
with verify, without this stack.

Examples:
  npm run --silent ledger -- prove --from 2026-11-01 --to 2026-12-01 --env prod > certificate
  npm run --silent ledger -- prove --from 1d --local | npm run --silent ledger -- verify -

Needs on AWS: dynamodb:Query and GetItem on the table, s3:GetObject and s3:ListBucket on the bucket, kms:Sign and
kms:GetPublicKey on the key.`;

export const proveCommand: CommandBuilder = (context, run) =>
  ledgerCommand('prove', 'write a signed certificate of what is sealed in a time range')
    .requiredOption('--from <time>', 'start of the range', timeOption('from', context))
    .option('--to <time>', 'end of the range, exclusive (now)', timeOption('to', context))
    .option('--domain <name>', 'only this sending domain (all)')
    .addHelpText('after', EXAMPLES)
    .action(run<ProveOptions>(interruptible(context, (options) => prove(context, options))));

async function prove(context: CliContext, options: ProveOptions): Promise<number> {
  const range = { from: options.from ?? 0, to: options.to ?? Math.floor(context.now() / 1000) };
  if (range.from >= range.to) throw new UsageError('--from must be before --to');
  const deployment = await openTarget(context, options);
  if (options.domain !== undefined) checkDomain(deployment, options.domain);
  const publicKey = await readCertificateKey(deployment);
  const progress = createChainProgress(context);
  const domains = [];
  const own = options.domain === undefined ? deployment.domains : [options.domain];
  // For former domains, what was sealed in this time.
  const further = options.domain === undefined ? (deployment.furtherDomains ?? []) : [];
  for (const domain of [...own, ...further]) {
    const links = await linksOf(deployment, domain, range, progress);
    if (links.length === 0 && further.includes(domain)) continue;
    const statement = stateDomain(domain, links, range);
    const { verdict, totals } = statement;
    context.printError(`  ${domain}: ${verdict}, ${number(totals.slices)} slices, ${number(totals.expected)} events`);
    domains.push(statement);
  }
  const [from, to, issuedAt] = [range.from * 1000, range.to * 1000, context.now()].map(iso) as [string, string, string];
  const certificate: Certificate = { v: 1, ledger: deployment.stackName, from, to, issuedAt, domains };
  const signed = await signCertificate(certificate, publicKey, (message) => sign(deployment, message));
  context.print(JSON.stringify(signed));
  context.printError(`  signed by the key ${fingerprintOf(publicKey)}`);
  return 0;
}

/** Reads the links of a domain's chain from the first to the last that is about the range. */
async function linksOf(deployment: Deployment, domain: string, range: SealedRange, progress: ChainProgress) {
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  const state = createSealStateRepository(tableOf(deployment));
  for await (const mark of state.listMarks(domain, range.from - MAX_SLICE_SECONDS, range.to)) {
    first = Math.min(first, mark.first);
    last = Math.max(last, mark.sequence);
  }
  if (last === 0) return [];
  const bucket = createManifestBucket({
    client: deployment.clients.archive,
    name: deployment.output('ArchiveBucketName'),
  });
  // What the last manifest was is said by the one behind it, which names its hash, or by the table where it is the head.
  const head = await state.readHead(domain);
  // A run of seal that was killed has noted the slice and not yet the head, and nothing says what its manifest was.
  if (head === undefined || head.sequence < last)
    throw new TargetUnavailableError(
      `seal has not noted the end of the chain of ${domain} yet; run prove again after its next run`,
    );
  const texts: string[] = [];
  const end = Math.min(last + 1, head.sequence);
  for await (const { place, text } of readManifests(bucket, domain, placesFrom(first, end))) {
    if (text === undefined) throw new TargetUnavailableError(`manifest ${place} of ${domain} is not in the archive`);
    progress(domain, `${counted(texts.push(text), 'manifest')} read`);
  }
  const { links, faults } = checkChain(domain, texts);
  for (const { manifest, hash } of links) {
    if (manifest.sequence === head.sequence && hash !== head.hash)
      faults.push({ where: nameOfLink(manifest), what: 'is not the head that the table knows' });
  }
  const [fault] = faults;
  if (fault !== undefined) throw new TargetUnavailableError(`the chain is broken: ${fault.where} ${fault.what}`);
  return links.filter(({ manifest }) => manifest.sequence <= last);
}

async function sign(deployment: Deployment, Message: Uint8Array): Promise<Uint8Array> {
  const KeyId = deployment.output('CertificateKeyArn');
  const command = new SignCommand({ KeyId, Message, MessageType: 'RAW', SigningAlgorithm: 'ECDSA_SHA_256' });
  const { Signature } = await deployment.clients.signing.send(command);
  if (Signature === undefined) throw new TargetUnavailableError('the key gave no signature');
  return Signature;
}
