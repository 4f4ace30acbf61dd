import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { awsSentence } from './aws-errors.ts';
import { OutOfReach, type Target } from './target.ts';

/** The text of the secret that an output names. */
export async function readSecret(target: Target, outputKey: string): Promise<string> {
  try {
    const { SecretString } = await target.clients.secrets.send(
      new GetSecretValueCommand({ SecretId: target.output(outputKey) }),
    );
    return SecretString ?? '';
  } catch (cause) {
    if (cause instanceof OutOfReach) throw cause;
    const why = awsSentence(cause) ?? (cause as Error).message;
    throw new OutOfReach(`the secret ${outputKey} cannot be read: ${why}`, { cause });
  }
}

/** One text of a JSON secret; undefined where it is unset. */
export async function readSecretField(target: Target, outputKey: string, name: string): Promise<string | undefined> {
  let fields: unknown;
  try {
    fields = JSON.parse(await readSecret(target, outputKey));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (typeof fields !== 'object' || fields === null)
    throw new OutOfReach(`the secret ${outputKey} holds no JSON object`);
  const value = (fields as Record<string, unknown>)[name];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
