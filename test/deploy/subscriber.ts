import { randomUUID } from 'node:crypto';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';

const TARGET = 'queue';
const ANYBODY_ON_THE_BUS = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' },
  ],
});

/** A separate consumer of every status on the default bus: a rule with a queue. */
export class Subscriber {
  readonly #bus = new EventBridgeClient({});
  readonly #queues = new SQSClient({});
  readonly #name = `subscriber-${randomUUID()}`;
  readonly #delivered = new Set<string>();
  #queueUrl = '';

  private constructor() {}

  static async of(ledger: string): Promise<Subscriber> {
    const subscriber = new Subscriber();
    await subscriber.#subscribe(ledger);
    return subscriber;
  }

  async #subscribe(ledger: string): Promise<void> {
    const created = await this.#queues.send(
      new CreateQueueCommand({ QueueName: this.#name, Attributes: { Policy: ANYBODY_ON_THE_BUS } }),
    );
    this.#queueUrl = created.QueueUrl ?? '';
    const { Attributes } = await this.#queues.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#queueUrl, AttributeNames: ['QueueArn'] }),
    );
    const EventPattern = JSON.stringify({ source: ['mailgun-ledger'], detail: { ledger: [ledger] } });
    await this.#bus.send(new PutRuleCommand({ Name: this.#name, EventPattern }));
    const Targets = [{ Id: TARGET, Arn: Attributes?.QueueArn }];
    await this.#bus.send(new PutTargetsCommand({ Rule: this.#name, Targets }));
  }

  /** Returns the number of messages reported to it as delivered. */
  async delivered(): Promise<number> {
    for (;;) {
      const { Messages = [] } = await this.#queues.send(
        new ReceiveMessageCommand({ QueueUrl: this.#queueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
      );
      if (Messages.length === 0) return this.#delivered.size;
      for (const { Body = '{}' } of Messages) {
        const { detail } = JSON.parse(Body);
        if (detail.status === 'DELIVERED') this.#delivered.add(detail.messageId);
      }
    }
  }

  async unsubscribe(): Promise<void> {
    await this.#bus.send(new RemoveTargetsCommand({ Rule: this.#name, Ids: [TARGET] }));
    await this.#bus.send(new DeleteRuleCommand({ Name: this.#name }));
    await this.#queues.send(new DeleteQueueCommand({ QueueUrl: this.#queueUrl }));
  }
}
