import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue } from 'aws-cdk-lib/aws-sqs';

// An app that has nothing to do with this product: notes arrive over HTTP, and are stored by way of a queue.

const stack = new Stack(new App(), 'Notes');
const table = new Table(stack, 'Table', {
  partitionKey: { name: 'id', type: AttributeType.STRING },
  billingMode: BillingMode.PAY_PER_REQUEST,
});
const queue = new Queue(stack, 'Queue');
const notes = new lambda.Function(stack, 'Notes', {
  runtime: lambda.Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: lambda.Code.fromAsset(join(import.meta.dirname, 'notes')),
  environment: { TABLE: table.tableName, QUEUE: queue.queueUrl },
});
notes.addEventSource(new SqsEventSource(queue));
table.grantReadWriteData(notes);
const api = new HttpApi(stack, 'Api');
api.addRoutes({
  path: '/notes/{id}',
  methods: [HttpMethod.GET, HttpMethod.PUT],
  integration: new HttpLambdaIntegration('Integration', notes),
});
