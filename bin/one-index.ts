import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { indexChanges, type TemplateOfTables } from '../lib/checks/index-changes.ts';

const HELP = `node bin/one-index.ts <assembly>

Compares a synthesized assembly with the deployed stack, and fails if a deploy would add or remove more than one index:
CloudFormation changes one per update, and would fail in the middle of it.

Exit code: 0 it may be deployed, 1 it may not, or the comparison failed.`;

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
  console.log('A deploy can change one index: deploy the previous commit first.');
  process.exitCode = 1;
}

async function deployed(StackName: string): Promise<TemplateOfTables> {
  try {
    const { TemplateBody } = await new CloudFormationClient({}).send(new GetTemplateCommand({ StackName }));
    // Empty if a first deploy began and created nothing.
    return JSON.parse(TemplateBody || '{}');
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message)) return {};
    throw error;
  }
}
