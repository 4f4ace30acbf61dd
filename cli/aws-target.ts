import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { OutOfReach, type Target } from './target.ts';

/** Longer than any function of the stack takes. */
const ANSWER_WITHIN_MS = 310_000;

/** The deployed stack of an environment, with the credentials and region of the shell. */
export async function findAws(environment: string): Promise<Target> {
  const outputs = await outputsOf(`mailgun-ledger-${environment}`);
  // A repeated call would run beside the one whose answer is late.
  const lambda = new LambdaClient({ maxAttempts: 1, requestHandler: { requestTimeout: ANSWER_WITHIN_MS } });
  const domains = JSON.parse(outputs.get('Domains') ?? '[]') as { name: string }[];
  return {
    domains: domains.map(({ name }) => name),
    async invoke(functionName, event) {
      const FunctionName = outputs.get(`${functionName[0]?.toUpperCase()}${functionName.slice(1)}FunctionName`);
      if (FunctionName === undefined) throw new OutOfReach(`the stack has no function ${functionName}`);
      const command = new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) });
      const { FunctionError, Payload } = await lambda.send(command).catch((cause) => {
        throw new OutOfReach(`${functionName} cannot be run: ${cause.message}`, { cause });
      });
      const answer = Buffer.from(Payload ?? []).toString('utf8');
      if (FunctionError !== undefined) throw new OutOfReach(`${functionName} failed: ${answer}`);
      return JSON.parse(answer);
    },
  };
}

async function outputsOf(StackName: string): Promise<Map<string, string>> {
  const { Stacks = [] } = await new CloudFormationClient({})
    .send(new DescribeStacksCommand({ StackName }))
    .catch((cause) => {
      throw new OutOfReach(`the stack ${StackName} cannot be read: ${cause.message}`, { cause });
    });
  const outputs = Stacks[0]?.Outputs ?? [];
  return new Map(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
}
