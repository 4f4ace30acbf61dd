import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { indexChanges, type TemplateOfTables } from '../lib/checks/index-changes.ts';

const HELP = `node bin/one-index.ts <assembly>

Holds a synthesized assembly against the stack that is deployed, and fails where a deploy would add or remove more
than one index: CloudFormation does one in an update, and would find that out in the middle of it.

Exit code: 0 it may be deployed, 1 it may not, or nobody can tell.`;

const [folder] = process.argv.slice(2);
if (folder === undefined || folder.startsWith('-')) {
  console.log(HELP);
  process.exit(folder === undefined ? 1 : 0);
}
const SUFFIX = '.template.json';
const file = readdirSync(folder).find((name) => name.endsWith(SUFFIX));
if (file === undefined) throw new Error(`${folder} holds no template`);
const stackName = file.slice(0, -SUFFIX.length);

const changes = indexChanges(await deployed(stackName), JSON.parse(readFileSync(join(folder, file), 'utf8')));
console.log(`${stackName}: indexes ${changes.join(', ') || 'as deployed'}`);
if (changes.length > 1) {
  console.log('More than one in a deploy is refused: deploy the commit before first.');
  process.exitCode = 1;
}

async function deployed(StackName: string): Promise<TemplateOfTables> {
  try {
    const { TemplateBody } = await new CloudFormationClient({}).send(new GetTemplateCommand({ StackName }));
    // Empty where a first deploy was begun and nothing was made.
    return JSON.parse(TemplateBody || '{}');
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message)) return {};
    throw error;
  }
}
