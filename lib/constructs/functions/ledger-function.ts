import { join } from 'node:path';
import { AssetHashType, DockerImage, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { assets } from '#assets';
import { type PartitionContent, partitionPatterns } from '../../../lambdas/domain/keys.ts';

const LAMBDAS = join(import.meta.dirname, '../../../lambdas');

interface LedgerFunctionProps {
  /** Folder under lambdas/ whose handler.ts it runs. */
  readonly handler: string;
  readonly environment: Record<string, string>;
  readonly timeoutSeconds: number;
  readonly logRetentionDays: number;
  /** @default 512 */
  readonly memoryMib?: number;
  /** Concurrent executions reserved for it, which are also its maximum. @default none */
  readonly reservedExecutions?: number | undefined;
}

type ItemAction = `dynamodb:${'GetItem' | 'BatchGetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem'}`;

/** A function with a role, a log group and a bundle of its own. */
export class LedgerFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: LedgerFunctionProps) {
    // Beside the function, since a Lambda Function has no children before it is built; named after it, to stay apart.
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    super(scope, id, {
      code: codeOf(props.handler),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMib ?? 512,
      timeout: Duration.seconds(props.timeoutSeconds),
      environment: { ...props.environment, NODE_OPTIONS: '--enable-source-maps' },
      role,
      logGroup,
      ...(props.reservedExecutions && { reservedConcurrentExecutions: props.reservedExecutions }),
      loggingFormat: LoggingFormat.JSON,
      // Lambda's own start and report lines would cost more than all the others.
      systemLogLevelV2: SystemLogLevel.WARN,
    });
  }

  /** Allows exactly these actions on exactly these resources. */
  allow(actions: string[], ...resources: string[]): void {
    this.addToRolePolicy(new PolicyStatement({ actions, resources }));
  }

  /**
   * Allows these actions on items of a table in partitions with these contents. Queries are not for it: those of an index
   * have the index's keys.
   */
  allowItems(actions: ItemAction[], contents: readonly PartitionContent[], tableArn: string): void {
    const conditions = {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partitionPatterns(contents) },
      // A request without keys would fulfil the condition above.
      Null: { 'dynamodb:LeadingKeys': 'false' },
    };
    this.addToRolePolicy(new PolicyStatement({ actions, resources: [tableArn], conditions }));
  }
}

/** Bundles as NodejsFunction does, without the npx in between, which takes longer than esbuild and repeats npm's warnings. */
function codeOf(handler: string): Code {
  const tryBundle = (folder: string) => {
    assets.writeFunction(handler, folder);
    return true;
  };
  return Code.fromAsset(join(LAMBDAS, handler), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: { image: DockerImage.fromRegistry('never-used'), local: { tryBundle } },
  });
}
