/** What a run did and left, by event key. */
export interface History {
  /** Events that were posted with a good signature, whatever the response. */
  attempted: ReadonlySet<string>;
  /** Events of which at least one post got a 200. */
  acknowledged: ReadonlySet<string>;
  /** Every effect found afterwards; a key that stands twice had its effect twice. */
  stored: readonly string[];
}

/** The history in the words of Jepsen's set checker. */
export interface StatusUpdate {
  attempted: number;
  acknowledged: number;
  stored: number;
  /** Acknowledged, but not stored. */
  lost: string[];
  /** Stored, but never attempted. */
  unexpected: string[];
  /** Stored more than once. */
  doubled: string[];
  /** Stored without an acknowledgement: the response was lost, or never sent. */
  recovered: string[];
}

/** Compares what was promised with what is there. */
export function checkHistory({ attempted, acknowledged, stored }: History): StatusUpdate {
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
