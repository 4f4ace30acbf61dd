import { type App, CfnResource, type Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { ACKNOWLEDGEMENTS } from './acknowledgements.ts';

/** AWS's rules of good practice. */
export const practices = () => [new AwsSolutionsChecks(), new ServerlessChecks()];

/** Fails synth where the stack breaks one of AWS's rules of good practice without a reason. */
export function checkPractices(app: App, stack: Stack): void {
  for (const resource of stack.node.findAll().filter((node) => node instanceof CfnResource)) {
    const reasons = ACKNOWLEDGEMENTS.filter(({ on }) => on.test(pathOf(resource)));
    Validations.of(resource).acknowledge(...reasons.map(({ rule, because }) => ({ id: rule, reason: because })));
  }
  Validations.of(app).addPlugins(...practices());
}

/** Below its stack, as acknowledgements name it. */
export const pathOf = ({ node, stack }: CfnResource) => node.path.slice(stack.node.path.length + 1);
