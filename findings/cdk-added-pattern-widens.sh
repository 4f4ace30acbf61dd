#!/usr/bin/env bash
# Expected: `rule.addEventPattern`, which "adds a filter", narrows what the rule matches, as every further field does.
# Seen: for a field that the rule has already, its values are joined to the others, so that the rule matches more; a
# prefix beside a value matches either. It can never match less by that field.
# Matters: a stack that gives each receiver a rule for all events, and then adds the receiver's own filter by type, sends
# the receiver everything, addresses of recipients included. Build the pattern whole.
# Version: aws-cdk-lib 2.276.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund aws-cdk-lib@2.276.0 constructs@10.8.1
cat >find.mjs <<'JS'
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Rule } from 'aws-cdk-lib/aws-events';

const stack = new Stack(new App(), 'Stack');
const rule = new Rule(stack, 'Rule', { eventPattern: { detail: { status: ['DELIVERED', 'FAILED'] } } });
rule.addEventPattern({ detail: { status: ['FAILED'] } });
rule.addEventPattern({ detail: { status: ['COMPLAINED'], domain: ['mg.example.com'] } });
const [{ Properties }] = Object.values(Template.fromStack(stack).findResources('AWS::Events::Rule'));
const { status, domain } = Properties.EventPattern.detail;

console.log('aws-cdk-lib 2.276.0');
console.log('status DELIVERED or FAILED, then FAILED, then COMPLAINED:', status.join(' or '));
console.log('a field that the rule did not have:', domain.join(' or '));
if (status.join() !== 'DELIVERED,FAILED,COMPLAINED' || domain.join() !== 'mg.example.com') {
  console.log('The CDK joins patterns otherwise than before.');
  process.exitCode = 1;
}
JS
node find.mjs 2>/dev/null
