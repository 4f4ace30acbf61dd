import { execFileSync } from 'node:child_process';
import { measureSealing, type SealingFigures } from './ledger/sealing.ts';

// node tools/bench/seal.ts [EVENTS…]: what sealing a slice takes, each in a process of its own.

const SIZES = ['1000', '10000', '100000', '1000000'];
const [first, ...others] = process.argv.slice(2);

if (first === '--alone') console.log(JSON.stringify(await measureSealing(Number(others[0]))));
else {
  const sizes = first === undefined ? SIZES : [first, ...others];
  console.log('events      one core (s)   elapsed (s)   memory (MiB)   bytes an event');
  for (const size of sizes) {
    const args = ['--expose-gc', import.meta.filename, '--alone', size];
    const figures = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as SealingFigures;
    const { cpuSeconds, seconds, peakMebibytes, bytesPerEvent } = figures;
    const columns = [cpuSeconds.toFixed(1), seconds.toFixed(1), peakMebibytes.toFixed(0), bytesPerEvent.toFixed(0)];
    const widths = [12, 14, 15, 17];
    console.log(size.padEnd(10) + columns.map((text, nth) => text.padStart(widths[nth] ?? 0)).join(''));
  }
}
