import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TargetUnavailableError, UsageError } from '../../../../cli/errors.ts';
import { findOnlyPort } from '../../../../cli/target/local.ts';

/** No process has this id: ids end far below. */
const DEAD_PID = 2 ** 30;
let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'ready-files-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const folder = () => pathToFileURL(`${path}/`);
const write = (port: number, pid: number, domain = 'mg.example.com') =>
  writeFileSync(join(path, `${port}.json`), JSON.stringify({ pid, domains: [domain] }));

describe('--local without --port', () => {
  test('finds the only running stack on any port, beside files of killed ones', () => {
    write(4010, DEAD_PID);
    write(33_593, process.pid);
    writeFileSync(join(path, 'notes.txt'), '');
    expect(findOnlyPort(folder())).toBe(33_593);
  });

  test('lists the running stacks if there are several', () => {
    write(33_593, process.pid, 'second.example.com');
    write(4010, process.pid);
    expect(() => findOnlyPort(folder())).toThrow(
      new UsageError(
        '2 local stacks are running; add one of --port 4010 (mg.example.com), --port 33593 (second.example.com)',
      ),
    );
  });

  test('prints how to start one if none runs', () => {
    const none = new TargetUnavailableError('no local stack is running; start one with: npm start');
    expect(() => findOnlyPort(folder())).toThrow(none);
    expect(() => findOnlyPort(new URL('absent/', folder()))).toThrow(none);
  });
});
