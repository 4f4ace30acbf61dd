import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkOut } from '../checkout.ts';

/** One slice, all of whose events are stored, reconciled in memory while every page of the listing takes 500 ms. */
export interface LargeSliceFigures {
  readonly events: number;
  readonly seconds: number;
  /** Runs of at most 15 minutes. */
  readonly runs: number;
  readonly mailgunCalls: number;
  /** Peak memory of the runs, without the events themselves. */
  readonly megabytes: number;
}

/** The same slice with the current sources and, where compared, with those of an earlier commit. */
export interface LargeSliceComparison {
  readonly now: LargeSliceFigures;
  readonly before?: LargeSliceFigures;
}

export interface LargeSlices {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  readonly against?: string;
  readonly slices: readonly LargeSliceComparison[];
}

const HERE = join(import.meta.dirname, '../../..');
/** Above this, an earlier commit exceeds its own time limit. */
const MAX_COMPARED_EVENTS = 100_000;

/** Measures slices of these sizes, one process after the other, each beside an earlier commit where one is named. */
export function measureLargeSlices(
  sizes: readonly number[],
  against: string | undefined,
  say: (line: string) => void,
): LargeSliceComparison[] {
  const earlier = against === undefined ? undefined : checkOutWithPackages(against);
  try {
    return sizes.map((events) => {
      const now = measure(HERE, events);
      say(`a slice of ${events} events: ${now.seconds.toFixed(1)} s, ${now.runs} runs`);
      if (earlier === undefined || events > MAX_COMPARED_EVENTS) return { now };
      const before = measure(earlier, events);
      say(`the same by ${against}: ${before.seconds.toFixed(1)} s, ${before.runs} runs`);
      return { now, before };
    });
  } finally {
    if (earlier !== undefined) rmSync(earlier, { recursive: true });
  }
}

/** Checks out a commit into a temporary folder with the currently installed packages; returns the folder. */
function checkOutWithPackages(commit: string): string {
  const folder = checkOut(commit, mkdtempSync(join(tmpdir(), 'mailgun-ledger-earlier-')));
  symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function measure(folder: string, events: number): LargeSliceFigures {
  const script = join(import.meta.dirname, 'large-slice-process.ts');
  const options = ['--expose-gc', '--max-old-space-size=8192', script, folder, String(events)];
  const { status, stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`a slice of ${events} events failed: ${stderr}`);
  return JSON.parse(stdout);
}
