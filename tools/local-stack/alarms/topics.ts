import { resourcesOfType, shortName } from '../template/resources.ts';
import type { Stack } from '../template/stack.ts';

/** A message published to a topic. */
export interface PublishedMessage {
  /** ISO 8601 UTC. */
  readonly at: string;
  /** The topic's short name: `topics-page`. */
  readonly topic: string;
  readonly subject: string;
  /** The JSON text that subscribers receive, parsed. */
  readonly message: Readonly<Record<string, unknown>>;
}

const KEPT = 1000;

/** The template's topics. Nothing leaves the machine: published messages are kept for inspection. */
export class TemplateTopics {
  readonly #names: ReadonlyMap<string, string>;
  readonly #arrived: PublishedMessage[] = [];

  constructor(stack: Stack) {
    this.#names = new Map(
      resourcesOfType(stack.template, 'AWS::SNS::Topic').map(([id, resource]) => [
        String(stack.resolve({ Ref: id }, id)),
        shortName(id, resource),
      ]),
    );
  }

  publish(arn: string, subject: string, message: PublishedMessage['message']): void {
    const topic = this.#names.get(arn) ?? arn;
    this.#arrived.push({ at: new Date().toISOString(), topic, subject, message });
    if (this.#arrived.length > 2 * KEPT) this.#arrived.splice(0, KEPT);
  }

  /** Returns the last messages, oldest first. */
  arrived(): readonly PublishedMessage[] {
    return [...this.#arrived];
  }
}
