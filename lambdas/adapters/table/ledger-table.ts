import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { AWS_CLIENT_CONFIG } from '../aws/client-config.ts';

/** The ledger's table: a document client bound to its name. */
export interface LedgerTable {
  client: DynamoDBDocumentClient;
  name: string;
}

export function openTable(name: string): LedgerTable {
  return { client: DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT_CONFIG)), name };
}

/** Runs a conditional write; false where its condition does not hold. */
export async function conditionalWrite(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
