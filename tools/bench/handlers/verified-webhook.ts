import { createHmac, timingSafeEqual } from 'node:crypto';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

interface Webhook {
  readonly signature: { readonly timestamp: string; readonly token: string; readonly signature: string };
  readonly event: unknown;
}

/**
 * Returns a function that parses a correctly signed webhook, and returns undefined for others. The key is read once.
 */
export function createVerifier(secrets: SecretsManagerClient) {
  let key: string | undefined;
  return async (request: APIGatewayProxyEventV2): Promise<Webhook | undefined> => {
    const { signature, 'event-data': event } = JSON.parse(request.body ?? '');
    key ??= await readKey(secrets);
    const expected = createHmac('sha256', key)
      .update(signature.timestamp + signature.token)
      .digest();
    return timingSafeEqual(expected, Buffer.from(signature.signature, 'hex')) ? { signature, event } : undefined;
  };
}

async function readKey(secrets: SecretsManagerClient): Promise<string> {
  const SecretId = process.env.SIGNING_KEYS_SECRET_ARN;
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  return JSON.parse(SecretString).current;
}
