import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { awsSentence } from './aws-errors.ts';
import { OutOfReach, type Target } from './target.ts';

/** Replaces the text of the secret that an output names; functions take it within 5 minutes. */
export async function putSecret(target: Target, outputKey: string, text: string): Promise<void> {
  const command = new PutSecretValueCommand({ SecretId: target.output(outputKey), SecretString: text });
  try {
    await target.clients.secrets.send(command);
  } catch (cause) {
    const why = awsSentence(cause) ?? (cause as Error).message;
    throw new OutOfReach(`the secret ${outputKey} cannot be written: ${why}`, { cause });
  }
}
