import { accessKeyIdOf } from '../aws/caller.ts';
import { measureInvocation } from '../metrics/implied-metrics.ts';
import type { Measure } from '../metrics/metric.ts';
import type { StackRun } from '../run/run.ts';
import { resourcesOfType, shortName } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';
import type { Assembly } from '../template/synthesize.ts';
import { FunctionProcess } from './function-process.ts';
import type { FunctionSpec } from './function-sandbox.ts';

/** A stack's functions, each in a process of its own. */
export interface RunningFunctions {
  byId(logicalId: string): FunctionProcess;
  /** Returns a function by its short name. */
  byName(name: string): FunctionProcess | undefined;
  processes(): Record<string, number>;
}

/** Starts every function of the template; resolves when all bundles are loaded. */
export async function startFunctions(
  stack: Stack,
  assembly: Assembly,
  run: StackRun,
  measure: Measure,
): Promise<RunningFunctions> {
  const start = (id: string, spec: FunctionSpec) =>
    new FunctionProcess(spec, run, ({ ok }) => measureInvocation(id, !ok, measure));
  const functions = new Map([...readFunctions(stack, assembly)].map(([id, spec]) => [id, start(id, spec)]));
  run.disposables.add(() => Promise.all([...functions.values()].map((running) => running.stop())));
  await Promise.all([...functions.values()].map((running) => running.loaded()));
  return {
    byId(logicalId) {
      const found = functions.get(logicalId);
      if (!found) throw new Error(`the template holds no function ${logicalId}`);
      return found;
    },
    byName: (name) => [...functions.values()].find(({ spec }) => spec.name === name),
    processes: () => Object.fromEntries([...functions.values()].map(({ spec, pid }) => [spec.name, pid])),
  };
}

/** Returns every function of the template by logical id, with what its process needs. */
function readFunctions(stack: Stack, assembly: Assembly): Map<string, FunctionSpec> {
  const functions = resourcesOfType(stack.template, 'AWS::Lambda::Function').map(([id, resource]) => {
    const properties = propertiesOf<FunctionProperties>(stack, id, resource);
    const { Code, Environment, Handler, MemorySize = 128, Runtime, Timeout = 3 } = properties;
    if (!Runtime?.startsWith('nodejs')) throw new Error(`the local stack does not know the runtime ${Runtime} (${id})`);
    const name = shortName(id, resource);
    const folder = assembly.assetFolder(Code.S3Key);
    const spec: FunctionSpec = {
      name,
      folder,
      handler: Handler,
      timeoutMs: Timeout * 1000,
      environment: {
        ...Environment?.Variables,
        AWS_REGION: stack.account.region,
        AWS_ENDPOINT_URL: stack.account.awsEndpointUrl,
        AWS_ACCESS_KEY_ID: accessKeyIdOf(name),
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_LAMBDA_FUNCTION_NAME: id,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MemorySize),
        // Hides the developer's ~/.aws from functions.
        HOME: folder,
      },
    };
    return [id, spec] as const;
  });
  return new Map(functions);
}

interface FunctionProperties {
  readonly Code: { readonly S3Key: string };
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
  readonly Handler: string;
  readonly MemorySize?: number;
  readonly Runtime?: string;
  readonly Timeout?: number;
}
