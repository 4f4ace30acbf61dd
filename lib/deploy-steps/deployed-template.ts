import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';

const HELP = `node bin/deployed-template.ts <stack>

Prints the template of a deployed stack as JSON, and {} if the stack does not exist. It is the one step before a deploy
that calls AWS: the index check, the diff and the choice of alarms read what it prints.

Exit code: 0 printed, 1 the stack cannot be read.`;

const [StackName] = process.argv.slice(2);
if (StackName === undefined || StackName.startsWith('-')) {
  console.log(HELP);
  process.exit(StackName === undefined ? 1 : 0);
}
console.log(await templateOf(StackName));

async function templateOf(stackName: string): Promise<string> {
  try {
    const { TemplateBody } = await new CloudFormationClient({}).send(new GetTemplateCommand({ StackName: stackName }));
    // Empty if a first deploy began and created nothing.
    return TemplateBody || '{}';
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message)) return '{}';
    throw error;
  }
}
