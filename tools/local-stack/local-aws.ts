import { startAwsEndpoint } from './aws-endpoint.ts';
import { createResources } from './create-resources.ts';
import { request } from './engines/engine.ts';
import type { Engines } from './engines/engines.ts';
import { type Fault, FaultSource } from './faults.ts';
import { IndexLag } from './index-lag.ts';
import type { Measure } from './metrics/metric.ts';
import { keyNamesOf } from './resources.ts';
import type { Run } from './run.ts';
import { outputOf, placeStack, type Stack } from './stack.ts';
import type { Assembly } from './synthesize.ts';
import { UsageMeter } from './usage.ts';

const ACCOUNT_ID = '000000000000';

export interface LocalAwsOptions {
  readonly assembly: Assembly;
  readonly engines: Engines;
  /** @default none, until some are set */
  readonly faults?: readonly Fault[];
  /** With the same seed and the same calls, faults strike the same ones. */
  readonly seed: number;
  /** Base URL of an HTTP API by its logical id. @default none has any */
  readonly apiUrl?: (logicalId: string) => string;
  /** @default measures nothing */
  readonly measure?: Measure;
}

/** The template's tables, queues and secrets, behind the one door that functions use. */
export interface LocalAws {
  readonly stack: Stack;
  /** What stands behind the door. */
  readonly engines: Engines;
  readonly usage: UsageMeter;
  readonly faults: FaultSource;
  /** Secrets by the outputs that name them, past the door. */
  putSecret(output: string, value: string): Promise<void>;
  readSecret(output: string): Promise<string>;
}

/** Stands for the AWS account that a template is deployed to. */
export async function openLocalAws(options: LocalAwsOptions, { closers }: Run): Promise<LocalAws> {
  const { assembly, engines, seed, apiUrl = () => '', measure = () => {} } = options;
  const usage = new UsageMeter();
  const faults = new FaultSource(seed, options.faults);
  const indexLag = new IndexLag(keyNamesOf(assembly.template));
  const door = await startAwsEndpoint({ engines: { ...engines }, usage, faults, indexLag, measure });
  closers.add(() => door.close());
  const { region } = assembly;
  const stack = placeStack(assembly, { region, accountId: ACCOUNT_ID, awsEndpointUrl: door.url, apiUrl });
  await createResources(stack, engines);
  return {
    stack,
    engines,
    usage,
    faults,
    async putSecret(output, SecretString) {
      await request(engines.secretsmanager, 'PutSecretValue', { SecretId: outputOf(stack, output), SecretString });
    },
    async readSecret(output) {
      const SecretId = outputOf(stack, output);
      const reply = await request<{ SecretString: string }>(engines.secretsmanager, 'GetSecretValue', { SecretId });
      return reply.SecretString;
    },
  };
}
