import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { parseConfig } from '../../../lib/config/config.ts';
import { MailgunLedgerStack } from '../../../lib/mailgun-ledger-stack.ts';

const CDK_JSON = JSON.parse(readFileSync(join(import.meta.dirname, '../../../cdk.json'), 'utf8'));

// biome-ignore lint/suspicious/noExplicitAny: a template is what it is
export type Resource = { readonly Type: string; readonly Properties: any; readonly [key: string]: any };

/** Runs without the stack traces that the CDK takes of every construct and token; what fails runs again with them. */
function untraced<Made>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } catch {
    Error.stackTraceLimit = stackTraceLimit;
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Returns the stack of an environment of cdk.json without bundling; `overlay` as on the command line. */
export const buildStack = (env: string, overlay?: unknown) => untraced(() => build(env, overlay));

function build(env: string, overlay: unknown): MailgunLedgerStack {
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
    this.template = untraced(() => Template.fromStack(build(env, overlay)));
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
    return this.resources[this.idOf(type, prefix)]!;
  }

  /** Returns the logical id of the one resource with this prefix. */
  idOf(type: string, prefix: string): string {
    const found = this.idsOf(type, prefix);
    if (found.length !== 1) throw new Error(`${found.length} resources of type ${type} are named ${prefix}…`);
    return found[0]!;
  }

  idsOf(type: string, prefix: string): string[] {
    return Object.entries(this.resources).flatMap(([id, { Type }]) =>
      Type === type && id.startsWith(prefix) ? [id] : [],
    );
  }

  /** Returns the environment of a function, by its construct's name. */
  // biome-ignore lint/suspicious/noExplicitAny: a value may be a reference
  variablesOf(name: string): Readonly<Record<string, any>> {
    return this.named('AWS::Lambda::Function', `${name}Function`).Properties.Environment.Variables;
  }

  /** Returns what the policies of a function's role allow: actions, resources and, where they are limited, partitions. */
  grantsOf(name: string): [action: unknown, resource: unknown, partitions?: unknown][] {
    const { Role } = this.named('AWS::Lambda::Function', `${name}Function`).Properties;
    return this.ofType('AWS::IAM::Policy')
      .filter(({ Properties }) => Properties.Roles[0].Ref === Role['Fn::GetAtt'][0])
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .map(({ Action, Resource, Condition }) => {
        const partitions = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
        return partitions === undefined ? [Action, Resource] : [Action, Resource, partitions];
      });
  }

  /** Returns the actions that the policies of a function's role allow. */
  actionsOf(name: string): string[] {
    return this.grantsOf(name).flatMap(([action]) => action as string | string[]);
  }
}

export const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });

/** Returns the names of the variables that a function reads, in alphabetical order. */
export function variablesReadBy(readEnv: (source: Readonly<Record<string, string>>) => unknown): string[] {
  const read = new Set<string>();
  const get = (_: unknown, name: string) => (read.add(name) ? '1' : undefined);
  readEnv(new Proxy<Record<string, string>>({}, { get }));
  return [...read].toSorted();
}
