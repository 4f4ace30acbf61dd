import { Fn, type IAspect, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct, IConstruct } from 'constructs';

/**
 * Returns the removal policy of a resource with data, for deletion and replacement. A failed deploy removes what it has
 * just created in both cases, so that the next one finds neither leftovers nor keys to pay for.
 */
export const removalOf = ({ protectData }: { readonly protectData: boolean }): RemovalPolicy =>
  protectData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;

/** Lets every log group of a scope outlive its stack, as data does. */
export const KEEP_LOGS: IAspect = {
  visit(node: IConstruct) {
    if (node instanceof CfnLogGroup) node.applyRemovalPolicy(removalOf({ protectData: true }));
  },
};

/**
 * Returns a part for names that are fixed at synth: 8 digits of the stack's id. What outlives a stack would otherwise
 * hold the name that the next one needs.
 */
export const stackPart = (scope: Construct): string => firstGroup(Fn.select(2, Fn.split('/', Stack.of(scope).stackId)));

/** Returns what stands before the first hyphen of a UUID. */
export const firstGroup = (uuid: string): string => Fn.select(0, Fn.split('-', uuid));
