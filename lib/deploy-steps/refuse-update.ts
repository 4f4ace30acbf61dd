import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { indexChanges, refuseIndexChanges } from '../checks/refuse-index-changes.ts';
import { refuseLostResources } from '../checks/refuse-lost-resources.ts';
import { refuseLoweredShards } from '../checks/refuse-lowered-shards.ts';

const HELP = `node bin/refuse-update.ts <assembly> <template>

Compares a synthesized assembly with the deployed template, as bin/deployed-template.ts prints it, and fails if a deploy
would add or remove more than one index: CloudFormation changes one per update, and would fail in the middle of it.
It fails too if the deploy would lower the number of shards of the day index, whose events would not be found any more,
or would replace or leave behind the archive's bucket, the key of certificates or the customer key.

Exit code: 0 it may be deployed, 1 it may not, or the comparison failed.`;

const [folder, deployed] = process.argv.slice(2);
if (folder === undefined || folder.startsWith('-') || deployed === undefined) {
  console.log(HELP);
  process.exit(folder?.startsWith('-') ? 0 : 1);
}
const SUFFIX = '.template.json';
const file = readdirSync(folder).find((name) => name.endsWith(SUFFIX));
if (file === undefined) throw new Error(`${folder} holds no template`);
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

const [before, after] = [read(deployed), read(join(folder, file))];
const changes = indexChanges(before, after);
console.log(`${file.slice(0, -SUFFIX.length)}: indexes ${changes.join(', ') || 'as deployed'}`);
const refusals = [
  ...refuseIndexChanges(changes),
  ...refuseLoweredShards(before, after),
  ...refuseLostResources(before, after),
];
for (const refusal of refusals) console.log(refusal);
if (refusals.length > 0) process.exitCode = 1;
