import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  paginateDescribeStackEvents,
  type Stack,
  UpdateTerminationProtectionCommand,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation';
import { DeleteTableCommand, DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb';

const PATIENCE_SECONDS = 120;

/** A stack whose first deploy failed, and the recovery that docs/operate.md describes. */
export class FailedDeploy {
  readonly #client = new CloudFormationClient({});
  readonly #stack: Stack;

  private constructor(stack: Stack) {
    this.#stack = stack;
  }

  static async find(StackName: string): Promise<FailedDeploy> {
    const { Stacks: [stack] = [] } = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName }));
    if (stack === undefined) throw new Error(`no stack ${StackName}`);
    return new FailedDeploy(stack);
  }

  get status(): string {
    return this.#stack.StackStatus ?? '';
  }

  /** Returns what was created and not deleted again, as `<type> <name>`. */
  async left(): Promise<string[]> {
    const left = new Map<string, string>();
    const events = [];
    const pages = paginateDescribeStackEvents({ client: this.#client }, { StackName: this.#stack.StackId });
    for await (const { StackEvents = [] } of pages) events.push(...StackEvents);
    // CloudFormation lists the newest events first.
    for (const { LogicalResourceId = '', ResourceType, PhysicalResourceId, ResourceStatus } of events.reverse()) {
      if (ResourceType === 'AWS::CloudFormation::Stack') continue;
      if (ResourceStatus === 'CREATE_COMPLETE') left.set(LogicalResourceId, `${ResourceType} ${PhysicalResourceId}`);
      if (ResourceStatus === 'DELETE_COMPLETE') left.delete(LogicalResourceId);
    }
    return [...left.values()];
  }

  /** Disables deletion protection, and deletes stack and table. */
  async recover(): Promise<void> {
    const { StackName, StackId } = this.#stack;
    await this.#client.send(new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: false }));
    await this.#client.send(new DeleteStackCommand({ StackName }));
    await waitUntilStackDeleteComplete({ client: this.#client, maxWaitTime: PATIENCE_SECONDS }, { StackName: StackId });
    const tables = new DynamoDBClient({});
    for (const line of await this.left()) {
      const [, TableName] = line.split(' ');
      await tables.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
      await tables.send(new DeleteTableCommand({ TableName }));
    }
  }
}
