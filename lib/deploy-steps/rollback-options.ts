import { readFileSync } from 'node:fs';
import { rollbackOptions } from '../checks/rollback-options.ts';

const HELP = `node bin/rollback-options.ts <template> <ARN prefix of alarms>

Prints the options by which cdk deploy rolls back on the stack's alarms, one a line, and nothing before the first deploy:
CloudFormation fails a deploy that names an alarm which does not exist. The template is the deployed one, as
bin/deployed-template.ts prints it; the prefix is arn:aws:cloudwatch:<region>:<account>:alarm:

Exit code: 0 printed, 1 wrong usage or an unreadable template.`;

const [template, prefix] = process.argv.slice(2);
if (template === undefined || template.startsWith('-') || prefix === undefined) {
  console.log(HELP);
  process.exit(template?.startsWith('-') ? 0 : 1);
}
for (const option of rollbackOptions(JSON.parse(readFileSync(template, 'utf8')), prefix)) console.log(option);
