import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { environmentOf, readEnvironments } from '../../cli/target/environments.ts';
import { stackNameOf } from '../../cli/target/stack-state.ts';

const HELP = `node bin/deployed-template.ts <env>

Prints the deployed template of an environment as JSON, and {} if it is not deployed. It looks in the account and region
of cdk.json, whatever the shell's are. It is the one step before a deploy that calls AWS: the index check, the diff and
the choice of alarms read what it prints.

Exit code: 0 printed, 1 the stack cannot be read, or the credentials are of another account.`;

const [name] = process.argv.slice(2);
if (name === undefined || name.startsWith('-')) {
  console.log(HELP);
  process.exit(name === undefined ? 1 : 0);
}
console.log(await templateOf(name));

async function templateOf(environment: string): Promise<string> {
  const { account, region } = environmentOf(readEnvironments(), environment);
  const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
  // In another account the stack would seem not to be deployed.
  if (account !== undefined && account !== Account) {
    throw new Error(`The credentials are of account ${Account}, but cdk.json has ${environment} in ${account}.`);
  }
  const command = new GetTemplateCommand({ StackName: stackNameOf(environment) });
  try {
    const { TemplateBody } = await new CloudFormationClient({ region }).send(command);
    // Empty if a first deploy began and created nothing.
    return TemplateBody || '{}';
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message)) return '{}';
    throw error;
  }
}
