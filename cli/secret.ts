import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { awsSentence } from './aws-errors.ts';
import { OutOfReach, type Target } from './target.ts';

/** The text of the secret that an output names. */
export async function readSecret(target: Target, outputKey: string): Promise<string> {
  return (await readVersion(target, outputKey)).text;
}

/** The texts of a JSON secret, and since when it holds them (epoch milliseconds). Blank ones are unset, as for the functions. */
export async function readSecretFields(
  target: Target,
  outputKey: string,
): Promise<{ fields: Readonly<Record<string, string | undefined>>; sinceMs: number | undefined }> {
  const { text, sinceMs } = await readVersion(target, outputKey);
  return { fields: fieldsOf(text, outputKey), sinceMs };
}

/** Replaces the text of the secret that an output names; functions take it within 5 minutes. */
export async function putSecret(target: Target, outputKey: string, text: string): Promise<void> {
  const command = new PutSecretValueCommand({ SecretId: target.output(outputKey), SecretString: text });
  await target.clients.secrets.send(command).catch((cause) => outOfReach(`${outputKey} cannot be written`, cause));
}

async function readVersion(target: Target, outputKey: string) {
  const command = new GetSecretValueCommand({ SecretId: target.output(outputKey) });
  const { SecretString = '', CreatedDate } = await target.clients.secrets
    .send(command)
    .catch((cause) => outOfReach(`${outputKey} cannot be read`, cause));
  return { text: SecretString, sinceMs: CreatedDate?.getTime() };
}

function outOfReach(what: string, cause: unknown): never {
  throw new OutOfReach(`the secret ${what}: ${awsSentence(cause) ?? (cause as Error).message}`, { cause });
}

function fieldsOf(text: string, outputKey: string): Record<string, string | undefined> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw new OutOfReach(`the secret ${outputKey} holds no JSON object; keys set writes it anew once it holds {}`);
  }
  const texts = Object.entries(parsed).flatMap(([name, value]) =>
    typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [],
  );
  return Object.fromEntries(texts);
}
