import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { S3_CONFIG } from '../../lambdas/adapters/archive/archive-bucket.ts';
import type { Clients } from './types.ts';

interface ClientSettings {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Nothing that hangs keeps a command for longer. */
export const TIMES = { connectionTimeout: 3000, requestTimeout: 10_000, throwOnRequestTimeout: true };

/** Opens the AWS clients; without credentials, with the shell's. */
export function openClients(settings: ClientSettings): Clients {
  const options = { ...settings, requestHandler: TIMES };
  return {
    table: DynamoDBDocumentClient.from(new DynamoDBClient(options), {
      marshallOptions: { removeUndefinedValues: true },
    }),
    queues: new SQSClient(options),
    secrets: new SecretsManagerClient(options),
    // The local bucket has no host name of its own.
    archive: new S3Client({ ...options, ...S3_CONFIG, forcePathStyle: settings.endpoint !== undefined }),
    signing: new KMSClient(options),
  };
}
