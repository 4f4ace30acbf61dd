import type { Engine } from './engine.ts';

export const ENGINE_NAMES = ['dynoxide', 'dynamodb-local'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** A program that speaks DynamoDB's protocol on a port of this machine. */
export interface EngineProgram {
  readonly name: EngineName;
  readonly title: string;
  /** Returns why it cannot run here, or undefined if it can. */
  whyNot(): Promise<string | undefined>;
  command(port: number, temporaryFolder: string): { readonly file: string; readonly args: readonly string[] };
}

export interface DynamoDbEngine extends Engine {
  readonly name: EngineName;
  /** DynamoDB Streams of its tables. */
  readonly streams: Engine;
}
