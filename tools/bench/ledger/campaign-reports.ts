import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Measurements of one campaign's report. */
export interface CampaignReportFigures {
  readonly events: number;
  /** CPU seconds, garbage collection included; unlike elapsed time, independent of other load. */
  readonly cpuSeconds: number;
  /** Peak memory of the process. */
  readonly megabytes: number;
  readonly readUnits: number;
  /** Bytes of the archive. */
  readonly objects: number;
  readonly dollars: number;
}

export interface CampaignReports {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** By the number of events. */
  readonly table: readonly CampaignReportFigures[];
  /** The same campaigns after their events have left the table. */
  readonly archive: readonly CampaignReportFigures[];
}

/** Reports campaigns of this number of events from the table, and from the archive, each in a process of its own. */
export function measureCampaignReports(
  sizes: readonly number[],
  say: (line: string) => void,
): Pick<CampaignReports, 'table' | 'archive'> {
  const run = (work: 'table' | 'write' | 'archive', events: number, folder: string): string => {
    const script = join(import.meta.dirname, 'campaign-report-process.ts');
    const words = ['--expose-gc', script, work, String(events), folder];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${work} of ${events} events failed: ${stderr}`);
    return stdout;
  };
  const fromArchive = (events: number): string => {
    const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-bench-archive-'));
    try {
      run('write', events, folder);
      return run('archive', events, folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const measure = (place: 'table' | 'archive', events: number): CampaignReportFigures => {
    const printed = place === 'table' ? run(place, events, '') : fromArchive(events);
    const figures = JSON.parse(printed) as CampaignReportFigures;
    const { cpuSeconds, megabytes, dollars } = figures;
    say(
      `${events} events from the ${place}: ${cpuSeconds.toFixed(1)} s, ${megabytes.toFixed(0)} MiB, ${(dollars * 100).toFixed(1)} cents`,
    );
    return figures;
  };
  return {
    table: sizes.map((events) => measure('table', events)),
    archive: sizes.map((events) => measure('archive', events)),
  };
}
