import { randomInt, randomUUID } from 'node:crypto';
import { type Engine, type EngineReply, jsonReply } from './engine.ts';

interface Secret {
  readonly arn: string;
  readonly createdAt: number;
  versionId: string;
  changedAt: number;
  value: string;
}

export interface SecretsEngine extends Engine {
  create(arn: string, value: string): void;
}

type Input = Record<string, unknown>;

/** Secrets Manager with the current version only, as functions and operators use it. */
export function createSecrets(nowMs: () => number = Date.now): SecretsEngine {
  const secrets = new Map<string, Secret>();

  const operations: Record<string, (secret: Secret, input: Input) => EngineReply> = {
    GetSecretValue: (secret, input) => {
      const requested = input.VersionId ?? secret.versionId;
      if (requested !== secret.versionId || (input.VersionStage ?? 'AWSCURRENT') !== 'AWSCURRENT') return notFound();
      return jsonReply(200, { ...identity(secret), SecretString: secret.value, CreatedDate: secret.changedAt }, '1.1');
    },
    PutSecretValue: (secret, input) => {
      if (typeof input.SecretString !== 'string') return failure('InvalidRequestException', 'SecretString is missing');
      secret.value = input.SecretString;
      secret.versionId = typeof input.ClientRequestToken === 'string' ? input.ClientRequestToken : randomUUID();
      secret.changedAt = nowMs() / 1000;
      return jsonReply(200, identity(secret), '1.1');
    },
    DescribeSecret: (secret) => {
      const { ARN, Name } = identity(secret);
      const versions = { [secret.versionId]: ['AWSCURRENT'] };
      const dates = { CreatedDate: secret.createdAt, LastChangedDate: secret.changedAt };
      return jsonReply(200, { ARN, Name, ...dates, VersionIdsToStages: versions }, '1.1');
    },
  };

  return {
    create(arn, value) {
      const now = nowMs() / 1000;
      secrets.set(arn, { arn, value, versionId: randomUUID(), createdAt: now, changedAt: now });
    },
    async call(operation, body) {
      const perform = operations[operation];
      if (!perform) return failure('UnknownOperationException', `the local stack does not know ${operation}`);
      const input = JSON.parse(body.toString('utf8')) as Input;
      const id = String(input.SecretId);
      const secret = secrets.get(id) ?? [...secrets.values()].find(({ arn }) => nameOf(arn) === id);
      return secret ? perform(secret, input) : notFound();
    },
  };
}

function identity({ arn, versionId }: Secret) {
  return { ARN: arn, Name: nameOf(arn), VersionId: versionId, VersionStages: ['AWSCURRENT'] };
}

const nameOf = (arn: string) => arn.split(':').at(-1);

function notFound(): EngineReply {
  return failure('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
}

function failure(type: string, message: string): EngineReply {
  return jsonReply(400, { __type: type, Message: message }, '1.1');
}

/** `GenerateSecretString` in a template. */
export interface SecretRecipe {
  readonly PasswordLength?: number;
  readonly ExcludeCharacters?: string;
  readonly ExcludeLowercase?: boolean;
  readonly ExcludeUppercase?: boolean;
  readonly ExcludeNumbers?: boolean;
  readonly ExcludePunctuation?: boolean;
  readonly IncludeSpace?: boolean;
  readonly RequireEachIncludedType?: boolean;
  readonly SecretStringTemplate?: string;
  readonly GenerateStringKey?: string;
}

/** Returns a random secret as Secrets Manager generates it. */
export function generateSecret(recipe: SecretRecipe): string {
  const kinds = [
    recipe.ExcludeLowercase ? '' : 'abcdefghijklmnopqrstuvwxyz',
    recipe.ExcludeUppercase ? '' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    recipe.ExcludeNumbers ? '' : '0123456789',
    recipe.ExcludePunctuation ? '' : '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    recipe.IncludeSpace ? ' ' : '',
  ]
    .map((kind) => [...kind].filter((letter) => !recipe.ExcludeCharacters?.includes(letter)))
    .filter((kind) => kind.length > 0);
  const all = kinds.flat();
  const pick = (letters: string[]) => letters[randomInt(letters.length)] ?? '';
  const needsEach = recipe.RequireEachIncludedType ?? true;
  let password = '';
  do {
    password = Array.from({ length: recipe.PasswordLength ?? 32 }, () => pick(all)).join('');
  } while (needsEach && !kinds.every((kind) => kind.some((letter) => password.includes(letter))));
  if (recipe.SecretStringTemplate === undefined || recipe.GenerateStringKey === undefined) return password;
  return JSON.stringify({ ...JSON.parse(recipe.SecretStringTemplate), [recipe.GenerateStringKey]: password });
}
