import type { LastCount, LastCountsRepository } from '../../../lambdas/reconcile/ports.ts';

/** In-memory counts of each domain; calls fail while it is `down`. */
export class InMemoryLastCounts implements LastCountsRepository {
  readonly down = new Set<'read' | 'write'>();
  counts = new Map<string, LastCount>();

  async read() {
    if (this.down.has('read')) throw new Error('the read is throttled');
    return new Map(this.counts);
  }

  async write(counts: ReadonlyMap<string, LastCount>) {
    if (this.down.has('write')) throw new Error('the write is throttled');
    this.counts = new Map(counts);
  }
}
