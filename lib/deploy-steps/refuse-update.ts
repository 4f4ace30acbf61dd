import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stackNameOf } from '../../cli/target/stack-state.ts';
import { indexChanges, refuseIndexChanges } from '../checks/refuse-index-changes.ts';
import { refuseLostResources } from '../checks/refuse-lost-resources.ts';
import { refuseLoweredShards } from '../checks/refuse-lowered-shards.ts';

const HELP = `node bin/refuse-update.ts <env> <assembly> <template>

Compares an environment of a synthesized assembly with its deployed template, as bin/deployed-template.ts prints it, and
fails if a deploy would add or remove more than one index: CloudFormation changes one per update, and would fail in the
middle of it.
It fails too if the deploy would lower the number of shards of the day index, whose events would not be found any more,
or would replace or leave behind the archive's bucket, the key of certificates or the customer key.

Exit code: 0 it may be deployed, 1 it may not, or the comparison failed.`;

const [name, folder, deployed] = process.argv.slice(2);
if (name === undefined || name.startsWith('-') || folder === undefined || deployed === undefined) {
  console.log(HELP);
  process.exit(name?.startsWith('-') ? 0 : 1);
}
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

const stackName = stackNameOf(name);
// By its name: an assembly may hold the templates of other environments, from an earlier synth.
const [before, after] = [read(deployed), read(join(folder, `${stackName}.template.json`))];
const changes = indexChanges(before, after);
const state = before.Resources === undefined ? 'not deployed yet' : `indexes ${changes.join(', ') || 'as deployed'}`;
console.log(`${stackName}: ${state}`);
const refusals = [
  ...refuseIndexChanges(changes),
  ...refuseLoweredShards(before, after),
  ...refuseLostResources(before, after),
];
for (const refusal of refusals) console.log(refusal);
if (refusals.length > 0) process.exitCode = 1;
