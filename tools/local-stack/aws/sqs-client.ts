import { Agent } from 'node:http';
import type { Engine } from '../engines/engine.ts';
import { connectEngine } from '../engines/remote-engine.ts';
import type { Disposables } from '../run/disposables.ts';
import type { Stack } from '../template/stack.ts';
import { accessKeyIdOf } from './caller.ts';

/** Connects to SQS through the endpoint of the functions, so that these calls are metered and can fail. */
export function connectSqs({ account }: Stack, caller: string, disposables: Disposables): Engine {
  const agent = new Agent({ keepAlive: true });
  disposables.add(() => agent.destroy());
  return connectEngine({
    agent,
    port: Number(new URL(account.awsEndpointUrl).port),
    target: 'AmazonSQS',
    accessKeyId: accessKeyIdOf(caller),
  });
}
