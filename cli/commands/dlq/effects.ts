import { createHash } from 'node:crypto';
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import type { CliContext } from '../../command.ts';
import { groupBy } from '../../group-by.ts';
import type { Deployment } from '../../target/types.ts';
import { type DeadLetter, type DeadLetters, diagnose, scanDeadLetters } from './dead-letters.ts';

export type Effect = 'known' | 'stored' | 'back' | 'waiting';

interface Resent {
  /** Id it had among the dead letters. */
  readonly id: string;
  readonly bodyHash: string;
  /** Where its event would be stored; undefined where no event can be read. */
  readonly key: { readonly pk: string; readonly sk: string } | undefined;
  effect: Effect;
}

const POLL_INTERVAL_MS = 500;
/** The dead letters are looked through less often than the table. */
const DLQ_SCAN_INTERVAL_MS = 3000;
const MAX_KEYS_PER_READ = 100;

/** Follows what became of messages that were sent again. */
export function createEffects(deployment: Deployment, deadLetters: DeadLetters) {
  const resent: Resent[] = [];
  const waiting = () => resent.filter(({ effect }) => effect === 'waiting');

  /** Marks those that the table holds by now. */
  async function lookUp(some: readonly Resent[], effect: Effect): Promise<void> {
    const byKey = groupBy(
      some.filter(({ key }) => key !== undefined),
      ({ key }) => `${key?.pk} ${key?.sk}`,
    );
    const keys = [...byKey.values()].flatMap(([first]) => first?.key ?? []);
    const name = deployment.output('TableName');
    for (let from = 0; from < keys.length; from += MAX_KEYS_PER_READ) {
      const Keys = keys.slice(from, from + MAX_KEYS_PER_READ);
      const get = new BatchGetCommand({
        RequestItems: { [name]: { Keys, ConsistentRead: true, ProjectionExpression: 'pk, sk' } },
      });
      // Keys that the table leaves unprocessed are read again.
      for (const { pk, sk } of (await deployment.clients.table.send(get)).Responses?.[name] ?? []) {
        for (const each of byKey.get(`${pk} ${sk}`) ?? []) each.effect = effect;
      }
    }
  }

  return {
    /** To be called before they are sent: what is stored by then is known. */
    async expect(letters: readonly DeadLetter[]): Promise<void> {
      const some = letters.map(({ id, body }): Resent => {
        const { identity } = diagnose(body);
        const key = identity && { pk: identity.partition, sk: identity.eventSort };
        return { id, bodyHash: hashOf(body), key, effect: 'waiting' };
      });
      await lookUp(some, 'known');
      resent.push(...some);
    },

    /** Those that were not sent after all are not followed. */
    forget(ids: ReadonlySet<string>): void {
      resent.splice(0, resent.length, ...resent.filter(({ id }) => !ids.has(id)));
    },

    /** Until all are stored or back among the dead letters, or this long. */
    async watch({ now, sleep, signal }: CliContext, waitMs: number, onBack: (id: string, reason: string) => void) {
      const deadlineMs = now() + waitMs;
      let lettersAtMs = now() + DLQ_SCAN_INTERVAL_MS;
      for (;;) {
        await lookUp(waiting(), 'stored');
        if (waiting().length > 0 && (now() >= lettersAtMs || now() >= deadlineMs)) {
          await findBack(onBack);
          lettersAtMs = now() + DLQ_SCAN_INTERVAL_MS;
        }
        if (waiting().length === 0 || now() >= deadlineMs || signal.aborted) break;
        await sleep(POLL_INTERVAL_MS);
      }
      const count = (effect: Effect) => resent.filter((each) => each.effect === effect).length;
      return { known: count('known'), stored: count('stored'), back: count('back'), waiting: count('waiting') };
    },
  };

  /** A message that went to the DLQ again has another id, and the same body. */
  async function findBack(onBack: (id: string, reason: string) => void): Promise<void> {
    const own = new Set(resent.map(({ id }) => id));
    for await (const letter of scanDeadLetters(deadLetters)) {
      const hash = hashOf(letter.body);
      const found = own.has(letter.id) ? undefined : waiting().find(({ bodyHash }) => bodyHash === hash);
      if (found === undefined) continue;
      found.effect = 'back';
      onBack(letter.id, letter.reason);
    }
  }
}

export type Effects = ReturnType<typeof createEffects>;

const hashOf = (body: string) => createHash('sha256').update(body).digest('base64');
