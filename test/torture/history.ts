/** What a run did, and what remained, by event key. */
interface History {
  /** Events posted with a valid signature, whatever the response. */
  attempted: ReadonlySet<string>;
  /** Events with at least one 200. */
  acknowledged: ReadonlySet<string>;
  /** Effects found afterwards; a repeated key had its effect twice. */
  stored: readonly string[];
}

/** The result in the terms of Jepsen's set checker. */
export interface HistoryResult {
  attempted: number;
  acknowledged: number;
  stored: number;
  /** Acknowledged but not stored. */
  lost: string[];
  /** Stored but never attempted. */
  unexpected: string[];
  /** Stored more than once. */
  doubled: string[];
  /** Stored without an acknowledgement: the response was lost, or never sent. */
  recovered: string[];
}

/** Compares what was promised with what is stored. */
export function checkHistory({ attempted, acknowledged, stored }: History): HistoryResult {
  const found = new Set(stored);
  const seen = new Set<string>();
  const doubled = stored.filter((key) => seen.has(key) || !seen.add(key));
  return {
    attempted: attempted.size,
    acknowledged: acknowledged.size,
    stored: found.size,
    lost: [...acknowledged].filter((key) => !found.has(key)),
    unexpected: [...found].filter((key) => !attempted.has(key)),
    doubled: [...new Set(doubled)],
    recovered: [...found].filter((key) => attempted.has(key) && !acknowledged.has(key)),
  };
}
