import { GetPublicKeyCommand } from '@aws-sdk/client-kms';
import type { Deployment } from '../target/types.ts';

/** Reads the public half of the key that signs certificates, as PEM. */
export async function readCertificateKey(deployment: Deployment): Promise<string> {
  const KeyId = deployment.output('CertificateKeyArn');
  const { PublicKey } = await deployment.clients.signing.send(new GetPublicKeyCommand({ KeyId }));
  const base64 = Buffer.from(PublicKey ?? []).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
}
