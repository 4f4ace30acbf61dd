import { attributeOf, type LocalAccount, requireKnownTypes, resourcesOfType } from './resources.ts';
import type { Assembly } from './synthesize.ts';
import { createResolver, type Resolve, type Resource, type Template } from './template.ts';

/** A template, with its intrinsics resolved for this machine. */
export interface Stack {
  readonly name: string;
  readonly template: Template;
  readonly account: LocalAccount;
  readonly resolve: Resolve;
}

export function openStack({ template, stackName }: Assembly, account: LocalAccount): Stack {
  requireKnownTypes(template);
  const resolve = createResolver(template, {
    pseudoParameters: {
      'AWS::AccountId': account.accountId,
      'AWS::Partition': 'aws',
      'AWS::Region': account.region,
      'AWS::StackId': `arn:aws:cloudformation:${account.region}:${account.accountId}:stack/${stackName}/local`,
      'AWS::StackName': stackName,
      'AWS::URLSuffix': 'amazonaws.com',
    },
    attribute(logicalId, name) {
      const resource = template.Resources[logicalId];
      if (!resource) throw new Error(`the template holds no resource ${logicalId}`);
      return attributeOf(logicalId, resource, name, account);
    },
  });
  return { name: stackName, template, account, resolve };
}

/** Returns a resource's properties with every intrinsic resolved. CloudFormation's schema vouches for their type. */
export function propertiesOf<Properties = Readonly<Record<string, unknown>>>(
  { resolve }: Stack,
  logicalId: string,
  resource: Resource,
): Properties {
  return resolve(resource.Properties ?? {}, logicalId) as Properties;
}

export function outputOf({ template, resolve }: Stack, name: string): string {
  const output = template.Outputs?.[name];
  if (!output) throw new Error(`the template has no output ${name}`);
  return String(resolve(output.Value, `Outputs/${name}`));
}

export function outputsOf(stack: Stack): Record<string, string> {
  return Object.fromEntries(Object.keys(stack.template.Outputs ?? {}).map((name) => [name, outputOf(stack, name)]));
}

/** Returns the HTTP API whose URL an output holds; undefined for another output. */
export function apiOfOutput(template: Template, name: string): string | undefined {
  const value = JSON.stringify(template.Outputs?.[name]?.Value ?? '');
  return resourcesOfType(template, 'AWS::ApiGatewayV2::Api').find(([id]) => value.includes(`"${id}"`))?.[0];
}
