import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { GetPublicKeyCommand } from '@aws-sdk/client-kms';
import { compactVerify, importSPKI } from 'jose';
import { type Certificate, type SignedStatement, statementOf } from '../../lambdas/domain/archive/certificate.ts';
import type { ChainFault } from '../../lambdas/domain/archive/chain.ts';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import { isObject } from '../../lambdas/domain/json.ts';
import { TargetUnavailableError } from '../errors.ts';
import { type Deployment, hasOutput } from '../target/types.ts';

/** A certificate file: the statement, a JWS over its hash, and the signing key. */
export interface SignedCertificate {
  certificate: Certificate;
  /** Compact JWS (ES256) of `SignedStatement`. */
  jws: string;
  /** PEM, SubjectPublicKeyInfo. */
  publicKey: string;
}

/** Signs up to 4,096 bytes by P-256 with SHA-256; returns the signature as DER. */
type SignMessage = (message: Uint8Array) => Promise<Uint8Array>;

const base64url = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');

/** Returns the fingerprint of a public key: SHA-256 over its SubjectPublicKeyInfo, in hex. */
export function fingerprintOf(publicKey: string | KeyObject): string {
  const key = typeof publicKey === 'string' ? createPublicKey(publicKey) : publicKey;
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** Signs a certificate by its hash, so that what the key is given stays small however long the range is. */
export async function signCertificate(
  certificate: Certificate,
  publicKey: string,
  sign: SignMessage,
): Promise<SignedCertificate> {
  const header = { alg: 'ES256', kid: fingerprintOf(publicKey) };
  const input = `${base64url(JSON.stringify(header))}.${base64url(canonicalJson(statementOf(certificate)))}`;
  const der = await sign(Buffer.from(input));
  return { certificate, jws: `${input}.${base64url(rawSignature(der))}`, publicKey };
}

/** Checks the signature of a certificate, and that it is over this one; `trusted` is the fingerprint of the key it must be by. */
export async function checkSignature(signed: SignedCertificate, trusted: string | undefined): Promise<ChainFault[]> {
  const faults: ChainFault[] = [];
  const fingerprint = fingerprintOf(signed.publicKey);
  if (trusted !== undefined && trusted.toLowerCase().replaceAll(':', '') !== fingerprint)
    faults.push({ where: 'signature', what: `is by the key ${fingerprint}, not by the one that is trusted` });
  let statement: SignedStatement;
  try {
    const key = await importSPKI(signed.publicKey, 'ES256');
    const { payload } = await compactVerify(signed.jws, key, { algorithms: ['ES256'] });
    statement = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return [...faults, { where: 'signature', what: 'does not verify by the key in the certificate' }];
  }
  if (canonicalJson(statement) !== canonicalJson(statementOf(signed.certificate)))
    faults.push({ where: 'signature', what: 'is over another certificate: this one was changed after it was signed' });
  return faults;
}

/** Parses a certificate; returns undefined for any other text. */
export function parseCertificate(text: string): SignedCertificate | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isObject(parsed) || typeof parsed.jws !== 'string' || typeof parsed.publicKey !== 'string') return undefined;
    const { certificate } = parsed;
    if (!isObject(certificate) || certificate.v !== 1 || !Array.isArray(certificate.domains)) return undefined;
    const isStated = (each: unknown) =>
      isObject(each) && typeof each.domain === 'string' && Array.isArray(each.chain) && isTotals(each.totals);
    if (!certificate.domains.every(isStated)) return undefined;
    createPublicKey(parsed.publicKey);
    return parsed as unknown as SignedCertificate;
  } catch {
    return undefined;
  }
}

const isTotals = (value: unknown) =>
  isObject(value) &&
  ['slices', 'expected', 'missing', 'unconfirmed', 'archived'].every((name) => typeof value[name] === 'number');

const INTEGER_BYTES = 32;

/** Returns a signature as JWS has it, two numbers of 32 bytes; KMS gives both as DER, without leading zeros. */
function rawSignature(der: Uint8Array): Uint8Array {
  const raw = new Uint8Array(2 * INTEGER_BYTES);
  let at = 2;
  for (const end of [INTEGER_BYTES, 2 * INTEGER_BYTES]) {
    const length = der[at + 1] ?? 0;
    const digits = der.subarray(at + 2, at + 2 + length);
    const integer = digits.length > INTEGER_BYTES ? digits.subarray(digits.length - INTEGER_BYTES) : digits;
    raw.set(integer, end - integer.length);
    at += 2 + length;
  }
  return raw;
}

/** Reads the public half of the key that signs certificates, as PEM. */
export async function readCertificateKey(deployment: Deployment): Promise<string> {
  if (!hasOutput(deployment, 'CertificateKeyArn')) {
    throw new TargetUnavailableError(
      `${deployment.name} signs no certificates: set seal.enabled and seal.sign, and deploy`,
    );
  }
  const KeyId = deployment.output('CertificateKeyArn');
  const { PublicKey } = await deployment.clients.signing.send(new GetPublicKeyCommand({ KeyId }));
  const base64 = Buffer.from(PublicKey ?? []).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
}
