const SHARE = Number(process.env.SHARE || 1 / 3);

/** Returns how many of `all` cases or events a test tries: a third, and all in CI (`SHARE=1`). */
export const shareOf = (all: number): number => Math.ceil(all * SHARE);

/** Returns the cases that a test tries, by default every third; consecutive values of `shift` select different ones. */
export const partOf = <Case>(cases: readonly Case[], shift: number): Case[] =>
  cases.filter((_, nth) => (nth + shift) % Math.max(1, Math.round(1 / SHARE)) === 0);
