const SHARE = Number(process.env.SHARE || 1 / 3);

/** Returns how many of `all` cases or events a test tries: a third, and all in CI (`SHARE=1`); more for a search. */
export const shareOf = (all: number): number => Math.ceil(all * SHARE);

/** Returns the share of these cases: each third of them from `first` on, so that neighbours try different ones. */
export const partOf = <Case>(cases: readonly Case[], first: number): Case[] =>
  cases.filter((_, nth) => (nth + first) % Math.max(1, Math.round(1 / SHARE)) === 0);
