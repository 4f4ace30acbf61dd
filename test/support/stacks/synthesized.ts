import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { parseConfig } from '../../../lib/config/config.ts';
import { MailgunLedgerStack } from '../../../lib/mailgun-ledger-stack.ts';

const CDK_JSON = JSON.parse(readFileSync(join(import.meta.dirname, '../../../cdk.json'), 'utf8'));

// biome-ignore lint/suspicious/noExplicitAny: a template is what it is
export type Resource = { readonly Type: string; readonly Properties: any; readonly [key: string]: any };

/** Returns the stack of an environment of cdk.json without bundling; `overlay` as on the command line. */
export function buildStack(env: string, overlay?: unknown): MailgunLedgerStack {
  const { environments, ...flags } = CDK_JSON.context;
  const app = new App({
    context: { ...flags, 'aws:cdk:bundling-stacks': [] },
    // Skipped: it takes a second per stack, and every `cdk synth` does it anyway.
    builtinCloudFormationValidation: false,
  });
  return new MailgunLedgerStack(app, parseConfig({ environments, env, overlay }));
}

/** The stack's template, by logical id and by type. */
export class Synthesized {
  readonly template: Template;

  constructor(env: string, overlay?: unknown) {
    this.template = Template.fromStack(buildStack(env, overlay));
  }

  get resources(): Record<string, Resource> {
    return this.template.toJSON().Resources;
  }

  get outputs(): Record<string, { readonly Value: unknown }> {
    return this.template.toJSON().Outputs;
  }

  ofType(type: string): Resource[] {
    return Object.values(this.resources).filter((resource) => resource.Type === type);
  }

  /** Returns the one resource whose logical id has this prefix. */
  named(type: string, prefix: string): Resource {
    const found = Object.entries(this.resources).filter(([id, { Type }]) => Type === type && id.startsWith(prefix));
    if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} are named ${prefix}…`);
    return found[0]![1];
  }
}
