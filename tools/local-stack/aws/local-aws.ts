import { request } from '../engines/engine.ts';
import type { Engines } from '../engines/engines.ts';
import type { Measure } from '../metrics/metric.ts';
import type { StackRun } from '../run/run.ts';
import { indexesOf, keyNamesOf } from '../template/resources.ts';
import { openStack, outputOf, type Stack } from '../template/stack.ts';
import type { Assembly } from '../template/synthesize.ts';
import { startAwsEndpoint } from './aws-endpoint.ts';
import { createResources } from './create-resources.ts';
import { type Fault, FaultSource } from './fault-rules.ts';
import { IndexLag } from './index-lag.ts';
import { TablePermissions } from './table-permissions.ts';
import { UsageMeter } from './usage.ts';

const ACCOUNT_ID = '000000000000';

interface LocalAwsOptions {
  readonly assembly: Assembly;
  readonly engines: Engines;
  /** @default none */
  readonly faults?: readonly Fault[];
  /** Selects the calls that fail. @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Returns the base URL of an HTTP API. @default no API has one */
  readonly apiUrl?: (logicalId: string) => string;
  /** @default records nothing */
  readonly measure?: Measure;
}

/** The template's tables, queues, secrets, buckets and keys, behind the one endpoint that functions use. */
export interface LocalAws {
  readonly stack: Stack;
  /** Engines behind the endpoint. */
  readonly engines: Engines;
  readonly usage: UsageMeter;
  readonly faults: FaultSource;
  readonly permissions: TablePermissions;
  /** Sets a secret, given the output with its ARN; bypasses the endpoint. */
  putSecret(output: string, value: string): Promise<void>;
  readSecret(output: string): Promise<string>;
  /** Returns a secret by its ARN. */
  readSecretOf(arn: string): Promise<string>;
}

/** Opens the stand-in for the AWS account that a template is deployed to. */
export async function openLocalAws(options: LocalAwsOptions, { disposables }: StackRun): Promise<LocalAws> {
  const { assembly, engines, random = Math.random, apiUrl = () => '', measure = () => {} } = options;
  const usage = new UsageMeter();
  const faults = new FaultSource(random, options.faults);
  const indexLag = new IndexLag(keyNamesOf(assembly.template));
  const { s3, ...inJson } = engines;
  const parts = { engines: inJson, s3, usage, faults, indexLag, indexesOf: indexesOf(assembly.template), measure };
  const listener = await startAwsEndpoint({ ...parts, permissions: () => permissions });
  disposables.add(() => listener.close());
  const { region } = assembly;
  const stack = openStack(assembly, { region, accountId: ACCOUNT_ID, awsEndpointUrl: listener.url, apiUrl });
  const permissions = new TablePermissions(stack);
  await createResources(stack, engines);
  const readSecretOf = async (SecretId: string) => {
    const reply = await request<{ SecretString: string }>(engines.secretsmanager, 'GetSecretValue', { SecretId });
    return reply.SecretString;
  };
  return {
    stack,
    engines,
    usage,
    faults,
    permissions,
    async putSecret(output, SecretString) {
      await request(engines.secretsmanager, 'PutSecretValue', { SecretId: outputOf(stack, output), SecretString });
    },
    readSecret: (output) => readSecretOf(outputOf(stack, output)),
    readSecretOf,
  };
}
