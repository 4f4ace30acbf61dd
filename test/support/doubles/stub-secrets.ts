import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { Deployment } from '../../../cli/target/types.ts';
import { outputOfItsKey } from '../cli/command-line.ts';

/** In-memory secrets by their output; a missing one fails as on AWS. */
export function stubSecrets(secrets: Record<string, string>, createdMs = 0): Pick<Deployment, 'clients' | 'output'> {
  const send = async (command: unknown) => {
    if (command instanceof GetSecretValueCommand) {
      const text = secrets[command.input.SecretId ?? ''];
      if (text === undefined)
        throw Object.assign(new Error('no such secret'), { name: 'ResourceNotFoundException', $metadata: {} });
      return { SecretString: text, CreatedDate: new Date(createdMs) };
    }
    if (command instanceof PutSecretValueCommand) {
      secrets[command.input.SecretId ?? ''] = command.input.SecretString ?? '';
      return {};
    }
    throw new Error('the stub knows two commands');
  };
  return { clients: { secrets: { send } } as unknown as Deployment['clients'], output: outputOfItsKey };
}
