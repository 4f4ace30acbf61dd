import { canonicalJson } from '../canonical-json.ts';
import { isObject, type Json } from '../json.ts';
import type { Counts } from '../ledger/counts.ts';
import { type Slice, type SliceState, stateOf } from '../ledger/slice.ts';
import { sha256Hex } from './merkle.ts';

/** The ledger's figures of a slice when it was sealed; counts by type. */
export interface SliceFigures {
  state: SliceState;
  passes: number;
  expected: Counts;
  stored: Counts;
  missing: Counts;
  recovered: Counts;
  polled: Counts;
  late: Counts;
  lost: Counts;
  unconfirmed: Counts;
  altered: Counts;
  short: number;
  stuck: number;
  accepted: number;
  /** Why an operator closed the slice. */
  acceptReason: string | null;
}

/** An object of events as it was written. */
export interface SealedObject {
  key: string;
  sha256: string;
  bytes: number;
  rows: number;
}

/** A text of the archive that a manifest names. */
interface SealedText {
  key: string;
  sha256: string;
}

/**
 * A link of a domain's chain. `slice`: events of a slice, or where `object` is null, new figures alone. `rewrite`: an
 * object was written again because a recipient was erased, with the same root.
 */
export interface Manifest {
  v: 1;
  kind: 'slice' | 'rewrite';
  domain: string;
  /** 1 for the first. */
  sequence: number;
  /** Hex of SHA-256 over the manifest before it; null for the first. */
  previous: string | null;
  /** Epoch seconds; the end does not belong to the slice. */
  start: number;
  end: number;
  /** 0 when the slice was sealed, then one more for each supplement. */
  number: number;
  object: SealedObject | null;
  /** Merkle root of the object's rows. */
  root: string;
  /** Null in a rewrite. */
  slice: SliceFigures | null;
  /** The ledger's whole record of the slice; absent in a rewrite, and where an earlier version sealed. */
  record?: SealedText;
  /** ISO 8601 UTC. */
  sealedAt: string;
}

/** A manifest with its text, whose bytes are hashed. */
export interface ChainLink {
  manifest: Manifest;
  text: string;
  hash: string;
}

/** Returns a manifest as it is written: canonical JSON. */
export function linkOf(manifest: Manifest): ChainLink {
  const text = canonicalJson(manifest);
  return { manifest, text, hash: sha256Hex(text) };
}

/** Returns the manifest in a text; undefined where it is not one of this version. */
export function parseManifest(text: string): ChainLink | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isManifest(parsed) ? { manifest: parsed, text, hash: sha256Hex(text) } : undefined;
}

/** Returns the figures of a slice that a manifest keeps. */
export function figuresOf(slice: Slice): SliceFigures {
  const { passes, expected, stored, missing, recovered, polled, late, lost, unconfirmed, altered } = slice;
  const { short, stuck, accepted, acceptance } = slice;
  return {
    state: stateOf(slice),
    passes,
    expected,
    stored,
    missing,
    recovered,
    polled,
    late,
    lost,
    unconfirmed,
    altered,
    short,
    stuck,
    accepted,
    acceptReason: acceptance?.reason ?? null,
  };
}

/** Returns true if the figures of two passes are equal, apart from the number of passes. */
export function isSameFigures(a: SliceFigures, b: SliceFigures): boolean {
  const content = ({ passes: _passes, ...rest }: SliceFigures) => canonicalJson(rest);
  return content(a) === content(b);
}

const HASH = /^[0-9a-f]{64}$/;
const isHash = (value: unknown): value is string => typeof value === 'string' && HASH.test(value);
/** The last second that a date can hold. */
const MAX_SECONDS = 8_640_000_000_000;
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const COUNTS = [
  ...['expected', 'stored', 'missing', 'recovered', 'polled', 'late', 'lost', 'unconfirmed', 'altered'],
] as const;
const STATES: readonly unknown[] = ['due', 'open', 'short', 'settled', 'unlisted'] satisfies SliceState[];

function isManifest(value: unknown): value is Manifest {
  if (!isObject(value) || value.v !== 1) return false;
  const { kind, domain, sequence, previous, start, end, number, object, root, slice, record, sealedAt } = value;
  return (
    (kind === 'slice' ? isFigures(slice) : kind === 'rewrite' && slice === null && object !== null) &&
    typeof domain === 'string' &&
    isWhole(sequence) &&
    sequence > 0 &&
    (sequence === 1 ? previous === null : isHash(previous)) &&
    [start, end, number].every(isWhole) &&
    (start as number) < (end as number) &&
    (end as number) <= MAX_SECONDS &&
    (object === null || isSealedObject(object)) &&
    isHash(root) &&
    (record === undefined || (kind === 'slice' && isSealedText(record))) &&
    typeof sealedAt === 'string'
  );
}

function isSealedText(value: Json | undefined): boolean {
  return isObject(value) && typeof value.key === 'string' && isHash(value.sha256);
}

function isSealedObject(value: Json | undefined): boolean {
  return isSealedText(value) && isObject(value) && isWhole(value.bytes) && isWhole(value.rows);
}

function isFigures(value: Json | undefined): boolean {
  if (!isObject(value) || !STATES.includes(value.state)) return false;
  // Those that came with a later version are absent where an earlier one sealed.
  const isCounts = (name: string) =>
    value[name] === undefined || (isObject(value[name]) && Object.values(value[name]).every(isWhole));
  const { acceptReason } = value;
  return (
    COUNTS.every(isCounts) &&
    ['passes', 'short', 'stuck', 'accepted'].every((name) => isWhole(value[name])) &&
    (acceptReason === null || typeof acceptReason === 'string')
  );
}
