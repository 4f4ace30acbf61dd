import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// Reintroduces each past fault into a copy of the sources, one at a time, and expects a test to fail. Exit code 0:
// every fault is caught. Takes a few minutes; not part of CI, because it reruns the same tests for each fault.

interface KnownFault {
  readonly fault: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  /** Pattern of the test files that must fail. */
  readonly tests: string;
}

const RECONCILE = 'model/reconcile-(faults|worlds)';
const PART = 'lambdas/reconcile/passes/compare-part.ts';
const LISTING = 'lambdas/reconcile/passes/part-listing.ts';
const LISTED = 'lambdas/reconcile/passes/count-listed.ts';
const PASS = 'lambdas/reconcile/passes/pass-slice.ts';

/** Past faults, each with the source line that prevents it. */
export const KNOWN_FAULTS: readonly KnownFault[] = [
  {
    fault: 'an event dated next year keeps its time, where no pass compares it',
    file: 'lambdas/process/process.ts',
    right: 'timeMs > receivedAt + MAX_AHEAD_MS ?',
    wrong: 'timeMs > Number.MAX_SAFE_INTEGER ?',
    tests: RECONCILE,
  },
  {
    fault: 'an event dated before the ledger is compared by no pass',
    file: 'lambdas/process/process.ts',
    right: 'start === undefined ? ageMs >= MAX_DELAY_MS : at < start',
    wrong: 'false',
    tests: RECONCILE,
  },
  {
    fault: 'events of an unknown domain have no ledger',
    file: 'lambdas/reconcile/reconcile.ts',
    right: '...(hasUnknown ? [UNKNOWN_DOMAIN] : [])',
    wrong: '',
    tests: RECONCILE,
  },
  {
    fault: 'progress is kept for a domain, not for a slice',
    file: PASS,
    right: 'await deps.parts.put(pass.slice, nth, compared)',
    wrong: 'await deps.parts.put({ ...pass.slice, start: 0 }, nth, compared)',
    tests: RECONCILE,
  },
  {
    fault: 'a 429 that crosses the deadline throws the progress away',
    file: PART,
    right: 'if (safeTo > bounds.from) return finish(safeTo, error);',
    wrong: '',
    tests: RECONCILE,
  },
  {
    fault: 'a resumed pass begins before the place that it had reached',
    file: PASS,
    right: 'position = part.to;\n  }',
    wrong: 'position = part.to - 2;\n  }',
    tests: RECONCILE,
  },
  {
    fault: 'sends are counted for a slice, not for an event',
    file: LISTED,
    right: 'if (before !== undefined && isStuck(before)) tally.stuck += 1;',
    wrong: 'if ([...sends.values()].some(isStuck)) tally.stuck += 1;',
    tests: RECONCILE,
  },
  {
    fault: 'a repeat in the listing is counted again',
    file: LISTING,
    right: 'if (this.#names.has(name)) continue;',
    wrong: '',
    tests: RECONCILE,
  },
  {
    fault: 'a listing that is cut is taken to be in order up to the cut',
    file: PART,
    right: 'const DISORDER_SECONDS = 5;',
    wrong: 'const DISORDER_SECONDS = 0;',
    tests: RECONCILE,
  },
  {
    fault: 'an event that is rounded over the border of a slice counts in both',
    file: LISTING,
    right: 'if (isInside(atMs)) this.#waiting.push',
    wrong: 'if (isInside(atMs) || isInside(atMs + 1000)) this.#waiting.push',
    tests: RECONCILE,
  },
  {
    fault: 'neighbouring stretches are not looked at, so a rounded event is unconfirmed',
    file: PART,
    right: 'begin: from - 1, end: to + 1',
    wrong: 'begin: from, end: to',
    tests: RECONCILE,
  },
  {
    fault: 'an event is measured as JSON, not as it is encoded',
    file: 'lambdas/domain/ledger/requeue.ts',
    right: 'asciiJson(event).length <= MAX_EVENT_BYTES',
    wrong: 'JSON.stringify(event).length <= MAX_EVENT_BYTES',
    tests: RECONCILE,
  },
  {
    fault: 'a send that fails ends the sends of the others',
    file: 'lambdas/reconcile/passes/requeue-missing.ts',
    right: "if (result.status === 'rejected') onFailure(slice.domain, result.reason);",
    wrong: "if (result.status === 'rejected') throw result.reason;",
    tests: RECONCILE,
  },
  {
    fault: 'completeness is claimed for time that was never compared',
    file: 'lambdas/domain/ledger/completeness.ts',
    right: "isKnown ? 'complete' : 'unknown'",
    wrong: "'complete'",
    tests: 'unit/lambdas/read-api/reports/ledger',
  },
  {
    fault: 'a stuck event that Mailgun no longer lists has no way out',
    file: 'lambdas/reconcile/passes/count-not-listed.ts',
    right: 'if (isAccepted(requeue.name)) {',
    wrong: 'if (pass.accepted.has(requeue.name)) {',
    tests: RECONCILE,
  },
  {
    fault: 'the lease ends while a run waits for Mailgun',
    file: 'lambdas/shared/lease.ts',
    right: 'if (await lease.hold(runId, nowMs, nowMs + LEASE_MS)) heldUntil = nowMs + LEASE_MS;',
    wrong: 'if (nowMs > 0) return;',
    tests: RECONCILE,
  },
  {
    fault: 'a run that lost its lease goes on',
    file: 'lambdas/shared/lease.ts',
    right: 'if (isTaken || now() >= heldUntil) throw new LostRaceError();',
    wrong: '',
    tests: RECONCILE,
  },
  {
    fault: 'a domain that Mailgun does not know is tried until the time is over',
    file: 'lambdas/adapters/mailgun/mailgun-client.ts',
    right: 'if (absent === undefined && (await isUnknownDomain(response))) {',
    wrong: 'if (false) {',
    tests: 'unit/lambdas/adapters/mailgun',
  },
  {
    fault: 'a forged body under a listed identity is taken for the genuine one',
    file: 'lambdas/domain/ledger/missing-or-unconfirmed.ts',
    right: 'isElsewhen || stored.isDistrusted || decidingFacts(stored.event) !== decidingFacts(listed.event);',
    wrong: 'stored.isDistrusted;',
    tests: RECONCILE,
  },
  {
    fault: 'what was distrusted decides again with the next correction',
    file: 'lambdas/domain/status/decide-status.ts',
    right: 'distrustedAtMs === undefined ? statusUpdateOf(parseEvent(event)) : NOT_ABOUT_DELIVERY',
    wrong: 'distrustedAtMs === 0 ? NOT_ABOUT_DELIVERY : statusUpdateOf(parseEvent(event))',
    tests: 'model/distrust',
  },
  {
    fault: 'a lower count of the listing lowers what is expected',
    file: 'lambdas/reconcile/passes/count-not-listed.ts',
    right: "if (finding === 'short') tally.short += 1;",
    wrong: '',
    tests: RECONCILE,
  },
  {
    fault: 'an event stored shortly before the pass that listed it is unconfirmed once the listing loses it',
    file: 'lambdas/domain/ledger/missing-or-unconfirmed.ts',
    right: 'event.wasSent || event.isIndexedAsBefore ||',
    wrong: 'event.wasSent ||',
    tests: 'model/passing-worlds',
  },
  {
    fault: 'a total that its own pages did not hold is trusted at the second pass',
    file: PART,
    right: 'total: total === listing.distinct ? total : null',
    wrong: 'total: total ?? null',
    tests: RECONCILE,
  },
  {
    fault: 'an equal total hides what was stored since the first pass',
    file: PASS,
    right: 'if (keys === undefined || digestOfNames(keys.map(pass.nameOf)) !== indexed) return false;',
    wrong: '',
    tests: 'model/reconcile.test',
  },
  {
    fault: 'as many stored events as at the first pass are taken for the same',
    file: 'lambdas/domain/ledger/ledger-name.ts',
    right: "return shortHash(names.toSorted().join(' '));",
    wrong: 'return shortHash(String(names.length));',
    tests: 'model/reconcile.test',
  },
  {
    fault: 'a second pass does not list a slice whose total has changed',
    file: PASS,
    right: 'if (total !== listed) return false;',
    wrong: '',
    tests: RECONCILE,
  },
  {
    fault: 'an equal total leaves what no webhook brought late for ever',
    file: 'lambdas/domain/ledger/tally.ts',
    right: 'total(late) + total(unconfirmed)',
    wrong: 'total(unconfirmed)',
    tests: 'model/reconcile.test',
  },
];

const HERE = join(import.meta.dirname, '../..');
if (import.meta.main) catchAll();

function catchAll(): void {
  const copy = mkdtempSync(join(tmpdir(), 'mailgun-ledger-faults-'));
  try {
    for (const file of execFileSync('git', ['ls-files'], { cwd: HERE, encoding: 'utf8' }).trim().split('\n')) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(HERE, file), join(copy, file));
    }
    symlinkSync(join(HERE, 'node_modules'), join(copy, 'node_modules'));
    const missed = KNOWN_FAULTS.filter((each) => !isCaught(each, copy)).length;
    console.log(`${KNOWN_FAULTS.length - missed} of ${KNOWN_FAULTS.length} faults caught`);
    process.exitCode = missed === 0 ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function isCaught({ fault, file, right, wrong, tests }: KnownFault, copy: string): boolean {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    source.replace(right, () => wrong),
  );
  const flags = ['-w', '1', '--selectProjects', 'unit', 'model', '--bail', '--testPathPatterns', tests];
  const { stdout, stderr } = spawnSync('npm', ['test', '--', ...flags], { cwd: copy, encoding: 'utf8' });
  writeFileSync(path, source);
  // Requires a failed test; a suite that does not load proves nothing.
  const [failed = ''] = /^Tests: +\d+ failed/m.exec(stdout + stderr) ?? [];
  console.log(`${failed === '' ? 'NOT CAUGHT' : 'caught'}: ${fault}`);
  return failed !== '';
}
