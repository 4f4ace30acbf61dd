import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';

// Only the clients and commands that ingest uses: the lower bound of its import time.

export const clients = [
  DynamoDBDocumentClient.from(new DynamoDBClient({})),
  new SQSClient({}),
  new SecretsManagerClient({}),
];
export const commands = [GetCommand, PutCommand, UpdateCommand, SendMessageCommand, GetSecretValueCommand];
export const errors = [ConditionalCheckFailedException];
