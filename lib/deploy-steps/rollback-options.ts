import { readFileSync } from 'node:fs';
import { environmentOf, readEnvironments } from '../../cli/target/environments.ts';
import { rollbackOptions } from '../checks/rollback-options.ts';

const HELP = `node bin/rollback-options.ts <env> <template> <account>

Prints the options by which cdk deploy rolls an environment back on its alarms, one a line; before the first deploy the
one that names no alarm, for CloudFormation fails a deploy that names one which does not exist. The template is the
deployed one, as bin/deployed-template.ts prints it.

Exit code: 0 printed, 1 wrong usage or an unreadable template.`;

const [name, template, account] = process.argv.slice(2);
if (name === undefined || name.startsWith('-') || template === undefined || account === undefined) {
  console.log(HELP);
  process.exit(name?.startsWith('-') ? 0 : 1);
}
const { region } = environmentOf(readEnvironments(), name);
for (const option of rollbackOptions(JSON.parse(readFileSync(template, 'utf8')), region, account)) console.log(option);
