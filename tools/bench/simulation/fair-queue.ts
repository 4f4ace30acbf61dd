/** A message that arrives in a queue at a second. */
export interface QueuedMessage {
  readonly atSecond: number;
  /** Its `MessageGroupId`; undefined where it has none. */
  readonly group: string | undefined;
}

/** The consumers of the queue. */
interface Consumers {
  readonly batches: number;
  readonly batchSize: number;
  readonly batchSeconds: number;
}

type Group = QueuedMessage['group'];

interface Batch {
  readonly endsAt: number;
  readonly groups: Group[];
}

/** AWS calls a group noisy if it has more than this share of the in-flight messages, and at least `NOISY_MESSAGES`. */
const NOISY_SHARE = 0.1;
const NOISY_MESSAGES = 30;

/** Runs messages, in order of arrival, through a standard queue; returns for each the seconds until its batch began. */
export function queueWaits(messages: readonly QueuedMessage[], consumers: Consumers): number[] {
  const { batches, batchSize, batchSeconds } = consumers;
  const waits: number[] = [];
  const waiting = new Map<Group, number[]>();
  const startOf = (index = 0) => messages[index]?.atSecond ?? 0;
  let running: Batch[] = [];
  let arrived = 0;
  for (let now = startOf(); ; ) {
    for (; arrived < messages.length && startOf(arrived) <= now; arrived += 1) {
      const { group } = messages[arrived] as QueuedMessage;
      const queue = waiting.get(group) ?? [];
      waiting.set(group, queue);
      queue.push(arrived);
    }
    running = running.filter(({ endsAt }) => endsAt > now);
    while (running.length < batches && waiting.size > 0) {
      const groups: Group[] = [];
      running.push({ endsAt: now + batchSeconds, groups });
      while (groups.length < batchSize && waiting.size > 0) {
        const group = nextGroup(waiting, running);
        const [index = 0] = waiting.get(group)?.splice(0, 1) ?? [];
        if (waiting.get(group)?.length === 0) waiting.delete(group);
        groups.push(group);
        waits[index] = now - startOf(index);
      }
    }
    const ends = running.map(({ endsAt }) => endsAt);
    if (arrived < messages.length) ends.push(startOf(arrived));
    if (ends.length === 0) return waits;
    now = Math.min(...ends);
  }
}

/** Returns the group whose message has waited longest, preferring quiet groups. */
function nextGroup(waiting: ReadonlyMap<Group, readonly number[]>, running: readonly Batch[]): Group {
  const inFlight = running.flatMap(({ groups }) => groups);
  const isNoisy = (group: Group) => {
    // Each message without a group counts as its own group.
    const own = group === undefined ? 0 : inFlight.filter((each) => each === group).length;
    return own >= NOISY_MESSAGES && own > NOISY_SHARE * inFlight.length;
  };
  const byAge = [...waiting.keys()].toSorted((a, b) => (waiting.get(a)?.[0] ?? 0) - (waiting.get(b)?.[0] ?? 0));
  return byAge.find((group) => !isNoisy(group)) ?? byAge[0];
}
