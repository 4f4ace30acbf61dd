import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseEngine } from '../../../../tools/local-stack/engines/choose-engine.ts';
import { Disposables } from '../../../../tools/local-stack/run/disposables.ts';
import { openRun } from '../../../../tools/local-stack/run/run.ts';
import { type RunningTemplate, runTemplate } from '../../../../tools/local-stack/run-template.ts';
import { synthesizeApp } from '../../../../tools/local-stack/template/synthesize.ts';

// The app in test/support/stacks/other-app/ uses nothing of this product.

const APP = {
  folder: join(import.meta.dirname, '../../../support/stacks/other-app'),
  command: `"${process.execPath}" app.ts`,
};

const disposables = new Disposables();
let folder = '';
let running: RunningTemplate;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'other-app-'));
  const run = await openRun({ port: 0, folder, name: 'other-app' }, disposables);
  const engine = await chooseEngine({ needsStream: false });
  running = await runTemplate({ assemble: () => synthesizeApp(APP, run), engine }, run);
}, 60_000);
afterAll(async () => {
  await disposables.close();
  rmSync(folder, { recursive: true });
});

test("runs another app's API, function, queue and table from its template alone", async () => {
  const { stack } = running.aws;
  const [api] = Object.entries(stack.template.Resources).find(([, { Type }]) => Type === 'AWS::ApiGatewayV2::Api')!;
  const url = `${stack.account.apiUrl(api)}/notes/milk`;

  expect((await fetch(url)).status).toBe(404);
  expect((await fetch(url, { method: 'PUT', body: 'buy some' })).status).toBe(202);

  let read = await fetch(url);
  for (let tries = 0; read.status === 404 && tries < 50; tries += 1) {
    await sleep(200);
    read = await fetch(url);
  }
  expect([read.status, await read.text()]).toEqual([200, 'buy some']);
  expect(running.controls.stats().byCaller.notes?.calls).toMatchObject({
    'dynamodb.PutItem': 1,
    'sqs.SendMessage': 1,
  });
});
