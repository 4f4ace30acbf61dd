import { DOMAIN } from '../../test/support/fixtures/webhooks.ts';
import type { TestEngines } from '../../test/support/stacks/engines.ts';
import { signedNow } from '../../test/support/stacks/local-stack.ts';
import { recordOf } from '../local-stack/event-source/queue-message.ts';
import type { EventData } from '../mailgun-twin/traffic/event-parts.ts';
import { jsonWebhook } from '../mailgun-twin/webhooks/webhook.ts';

/** Returns a freshly signed webhook, as Mailgun posts it. */
export const signedWebhook = (event: EventData) => jsonWebhook(event, signedNow());

/** Returns the gateway's event for the same webhook, as JSON. */
export function gatewayEvent(event: EventData): string {
  const { headers, body } = signedWebhook(event);
  return JSON.stringify({ version: '2.0', headers, body, isBase64Encoded: false, requestContext: { requestId: '' } });
}

/** Takes up to ten messages from the queue, and returns them as the event source's event for process, as JSON. */
export async function queueEvent(engines: TestEngines): Promise<string> {
  const queueUrl = engines.output('QueueUrl');
  const messages = await engines.receive(queueUrl);
  return JSON.stringify({
    Records: messages.map((message) => recordOf(message as never, 'arn:aws:sqs:bench', 'local')),
  });
}

/** Returns the environment by which the functions of the request path find the engines. */
export function environmentFor({ output, awsEnvironment }: TestEngines): Record<string, string> {
  return {
    ...awsEnvironment,
    AWS_LAMBDA_FUNCTION_NAME: 'bench',
    NODE_OPTIONS: '--enable-source-maps',
    LEDGER_NAME: 'bench',
    TABLE_NAME: output('TableName'),
    QUEUE_URL: output('QueueUrl'),
    DEAD_LETTERS_URL: output('DeadLettersUrl'),
    SIGNING_KEYS_SECRET_ARN: output('SigningKeysSecretArn'),
    ERASURE_KEY_SECRET_ARN: output('ErasureKeySecretArn'),
    DOMAINS: DOMAIN,
    VISIBILITY_SECONDS: '30',
    RETENTION_DAYS: '400',
    STATUS_DAYS: '400',
    SECOND_PASS_SECONDS: '43200',
  };
}
