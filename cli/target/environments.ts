import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { TargetUnavailableError, UsageError } from '../errors.ts';

const environment = z.object({
  account: z.string().optional(),
  region: z.string(),
  bootstrapQualifier: z.string().optional(),
});

const file = z.object({ context: z.object({ environments: z.record(z.string(), environment) }) });

/** Where an environment of cdk.json is deployed: the fields that the command line needs. */
export type Environment = z.infer<typeof environment>;

type Environments = Readonly<Record<string, Environment>>;

const CDK_JSON = new URL('../../cdk.json', import.meta.url);

/** Returns the environments in cdk.json. */
export function readEnvironments(): Environments {
  try {
    return file.parse(JSON.parse(readFileSync(CDK_JSON, 'utf8'))).context.environments;
  } catch (cause) {
    throw new TargetUnavailableError('the environments in cdk.json cannot be read; npm run synth shows what is wrong', {
      cause,
    });
  }
}

/** Returns one of them. Throws a UsageError that names them all where none has that name. */
export function environmentOf(environments: Environments, name: string): Environment {
  const found = Object.hasOwn(environments, name) ? environments[name] : undefined;
  if (found === undefined) {
    throw new UsageError(`cdk.json has no environment ${name}, only ${Object.keys(environments).join(', ')}`);
  }
  return found;
}
