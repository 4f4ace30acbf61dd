import { type App, CfnResource, type Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { ACKNOWLEDGEMENTS } from './acknowledgements.ts';

/** Returns AWS's good practice rules. */
export const practices = () => [new AwsSolutionsChecks(), new ServerlessChecks()];

/** Fails synth where the stack breaks one of AWS's rules of good practice without a reason. */
export function checkPractices(app: App, stack: Stack): void {
  for (const resource of stack.node.findAll().filter((node) => node instanceof CfnResource)) {
    const reasons = ACKNOWLEDGEMENTS.filter(({ on }) => on.test(pathOf(resource)));
    Validations.of(resource).acknowledge(...reasons.map(({ rule, because }) => ({ id: rule, reason: because })));
  }
  Validations.of(app).addPlugins(...practices());
}

/** Returns a resource's path below its stack, as used in acknowledgements. */
export const pathOf = ({ node, stack }: CfnResource) => node.path.slice(stack.node.path.length + 1);
