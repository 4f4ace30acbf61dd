import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDashboard } from '../../../../tools/local-ledger/dashboard.ts';
import { Disposables } from '../../../../tools/local-stack/run/disposables.ts';
import { type Listener, reserveListener } from '../../../../tools/local-stack/run/listener.ts';

const disposables = new Disposables();
let parent: string;
let listener: Listener;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'dashboard-'));
  listener = await reserveListener();
});
afterAll(async () => {
  await listener.close();
  await disposables.close();
  rmSync(parent, { recursive: true });
});

test('a dashboard that cannot be built is a 500 with the reason, and is built again at the next request', async () => {
  const temporaryFolder = join(parent, 'run');
  writeFileSync(temporaryFolder, 'in the way of a folder');
  listener.open(createDashboard('http://127.0.0.1:9', { disposables, mainListener: listener, temporaryFolder }));

  const failed = await fetch(listener.url);

  expect(failed.status).toBe(500);
  expect(await failed.text()).toMatch(/^Error: the dashboard does not build:\n.*ENOTDIR/s);
  rmSync(temporaryFolder);
  mkdirSync(temporaryFolder);

  const [page, again] = await Promise.all([fetch(listener.url), fetch(`${listener.url}/index.html`)]);

  expect([page.status, again.status]).toEqual([200, 200]);
  expect(await page.text()).toBe(await again.text());
  expect(await (await fetch(`${listener.url}/config.json`)).json()).toMatchObject({ apiUrl: 'http://127.0.0.1:9' });
});
