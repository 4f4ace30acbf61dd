import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { AWS_CLIENT_CONFIG } from './aws-clients.ts';

/** The ledger's table: a document client bound to its name. */
export interface LedgerTable {
  client: DynamoDBDocumentClient;
  name: string;
}

export function openTable(name: string): LedgerTable {
  return { client: DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT_CONFIG)), name };
}
