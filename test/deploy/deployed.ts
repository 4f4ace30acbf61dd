import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStackEvents,
  paginateListStackResources,
  type Stack,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { openAws, openStack } from '../../cli/target/aws.ts';
import type { Deployment } from '../../cli/target/types.ts';
import { DOMAIN, deliveredEvent, jsonBody, signed } from '../support/fixtures/webhooks.ts';
import { call } from './localhost-fetch.ts';

const ADDRESSES = ['WebhookUrl', 'ApiUrl', 'TableName', 'QueueUrl', 'SigningKeysSecretArn'];
const AT_ONCE = 10;
/** Functions without a key read it every 30 s, and a busy machine is slow. */
const RETRY_MS = 60_000;

/** A deployed environment, used through its public interfaces. */
export class Deployed {
  readonly #target: Deployment;
  readonly #token: string;
  readonly #stackId: string;
  readonly #messageIds: string[] = [];

  private constructor(target: Deployment, token: string, stackId: string) {
    this.#target = target;
    this.#token = token;
    this.#stackId = stackId;
  }

  static async find(environment: string): Promise<Deployed> {
    // cdk.json may not have this environment.
    return Deployed.#open(await openAws(environment, { [environment]: { region: process.env.AWS_REGION ?? '' } }));
  }

  /** Opens a stack of another app by its name. */
  static async findStack(stackName: string): Promise<Deployed> {
    const region = process.env.AWS_REGION ?? '';
    return Deployed.#open(await openStack({ kind: 'stack', stackName, region }, stackName, { region }));
  }

  static async #open(target: Deployment): Promise<Deployed> {
    const { SecretString = '' } = await target.clients.secrets.send(
      new GetSecretValueCommand({ SecretId: target.output('ApiTokenSecretArn') }),
    );
    const { StackId = '' } = await describe(target.stackName);
    return new Deployed(target, SecretString, StackId);
  }

  output(key: string): string {
    return this.#target.output(key);
  }

  addresses(): string[] {
    return ADDRESSES.map((key) => this.#target.output(key));
  }

  async setKey(current: string): Promise<void> {
    const SecretId = this.#target.output('SigningKeysSecretArn');
    const SecretString = JSON.stringify({ current });
    await this.#target.clients.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  }

  /** Posts new events, and those that got a 5xx again, as Mailgun does; returns how often each final status came. */
  async post(
    key: string,
    count: number,
    { twice = false, retryMs = RETRY_MS }: { twice?: boolean; retryMs?: number } = {},
  ): Promise<Record<number, number>> {
    const codes: Record<number, number> = {};
    const bodies = Array.from({ length: count }, () => {
      const messageId = `${randomUUID()}@${DOMAIN}`;
      const timestamp = String(Math.floor(Date.now() / 1000));
      const event = deliveredEvent({
        id: randomUUID(),
        timestamp: Date.now() / 1000,
        message: { headers: { 'message-id': messageId } },
      });
      return { messageId, body: Buffer.from(jsonBody(event, signed(key, { timestamp }))).toString('utf8') };
    });
    const posts = [...bodies, ...(twice ? bodies : [])];
    const headers = { 'content-type': 'application/json' };
    const retryUntil = Date.now() + retryMs;
    const worker = async () => {
      for (let next = posts.shift(); next !== undefined; next = posts.shift()) {
        const { status } = await call(this.#target.output('WebhookUrl'), 'POST', headers, next.body);
        if (status >= 500 && Date.now() < retryUntil) {
          posts.push(next);
          await sleep(500);
          continue;
        }
        codes[status] = (codes[status] ?? 0) + 1;
        if (status === 200 && !this.#messageIds.includes(next.messageId)) this.#messageIds.push(next.messageId);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return codes;
  }

  /** Returns how many acknowledged messages have exactly one event in the read API. */
  async storedOnce(): Promise<number> {
    let once = 0;
    for (const id of this.#messageIds) {
      const url = `${this.#target.output('ApiUrl')}/mailgun/messages/${encodeURIComponent(id)}`;
      const { status, body } = await call(url, 'GET', { authorization: `Bearer ${this.#token}` });
      if (status === 200 && JSON.parse(body).events.length === 1) once += 1;
    }
    return once;
  }

  /** Returns the number of items of a type in the table (`E` for events), by the sort key after the recipient. */
  async items(kind: string): Promise<number> {
    let count = 0;
    const pages = paginateScan(
      { client: this.#target.clients.table },
      { TableName: this.#target.output('TableName'), ConsistentRead: true },
    );
    for await (const { Items = [] } of pages) {
      count += Items.filter(({ sk }) => String(sk).split('#')[2] === kind).length;
    }
    return count;
  }

  /** Returns the number of reconcile runs started by the schedule. */
  async scheduledRuns(): Promise<number> {
    const lines = await this.#target.logs('reconcile', 0);
    return lines.filter(({ facts }) => facts.ReconcileRun === 1 || JSON.stringify(facts).includes('ReconcileRun'))
      .length;
  }

  async status(): Promise<string> {
    return (await describe(this.#stackId)).StackStatus ?? '';
  }

  async allowTermination(): Promise<void> {
    const command = { StackName: this.#target.stackName, EnableTerminationProtection: false };
    await new CloudFormationClient({}).send(new UpdateTerminationProtectionCommand(command));
  }

  /** Returns all resources of the stack as `<type> <name>`. */
  async resources(): Promise<string[]> {
    const resources: string[] = [];
    const pages = paginateListStackResources({ client: new CloudFormationClient({}) }, { StackName: this.#stackId });
    for await (const { StackResourceSummaries = [] } of pages) {
      for (const { ResourceType, PhysicalResourceId } of StackResourceSummaries) {
        resources.push(`${ResourceType} ${PhysicalResourceId}`);
      }
    }
    return resources;
  }

  /** Returns those of these resources that outlived the stack. */
  async leftOf(resources: readonly string[]): Promise<string[]> {
    const left = new Set(resources);
    const pages = paginateDescribeStackEvents({ client: new CloudFormationClient({}) }, { StackName: this.#stackId });
    for await (const { StackEvents = [] } of pages) {
      for (const { ResourceType, PhysicalResourceId, ResourceStatus } of StackEvents) {
        if (ResourceStatus === 'DELETE_COMPLETE') left.delete(`${ResourceType} ${PhysicalResourceId}`);
      }
    }
    return [...left];
  }
}

async function describe(StackName: string): Promise<Partial<Stack>> {
  const { Stacks = [] } = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName }));
  return Stacks[0] ?? {};
}
