import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
const outputFolder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-app-'));
afterAll(() => rmSync(outputFolder, { recursive: true }));

/** Runs the app as the CDK command line does. */
function runApp(more: Record<string, unknown>, env: Record<string, string> = {}) {
  return spawnSync(process.execPath, ['bin/app.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      CDK_VALIDATION: 'false',
      CDK_OUTDIR: outputFolder,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...more }),
      ...env,
    },
  });
}

describe('the app', () => {
  test('prints each configuration mistake on its own line without a stack trace, and fails', () => {
    const overlay = { region: 'nowhere', processing: { timeoutSeconds: 0 }, colour: 'red' };

    const { status, stderr } = runApp({ env: 'dev', overlay: JSON.stringify(overlay) });

    expect(status).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'The configuration has 3 mistake(s):',
      expect.stringMatching(/^dev\.colour: is not a key; valid keys: account, region, /),
      'dev.region: got "nowhere"; must be an AWS region',
      'dev.processing.timeoutSeconds: got 0; must be a whole number from 1 to 900',
    ]);
  });

  test('refuses credentials of another account', () => {
    const { status, stderr } = runApp({ env: 'prod' }, { CDK_DEFAULT_ACCOUNT: '111111111111' });

    expect(status).toBe(1);
    expect(stderr).toContain(
      'prod.account: got "333333333333"; must be the account of the credentials in use, 111111111111',
    );
  });

  test('bundles each function with a source map that holds no sources, and prints no warning', () => {
    const { status, stderr } = runApp({ env: 'dev', overlay: JSON.stringify({ publish: { enabled: true } }) });
    const assets = readdirSync(outputFolder).filter((name) => name.startsWith('asset.'));

    expect({ status, warned: /warn/i.test(stderr) }).toEqual({ status: 0, warned: false });
    expect(assets).toHaveLength(5);
    // Written by the good practice rules, which proves that they ran.
    expect(readdirSync(outputFolder)).toContain('validation-report.json');
    for (const asset of assets) {
      const read = (file: string) => readFileSync(join(outputFolder, asset, file), 'utf8');
      expect(readdirSync(join(outputFolder, asset)).toSorted()).toEqual(['index.js', 'index.js.map']);
      expect(read('index.js')).toMatch(/^"use strict";.*module\.exports=/s);
      expect(JSON.parse(read('index.js.map'))).not.toHaveProperty('sourcesContent');
    }
  });
});
