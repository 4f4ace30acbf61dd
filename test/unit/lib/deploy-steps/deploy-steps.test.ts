import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Listening, listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';

// The real steps against a server that replies like AWS.

const ROOT = join(import.meta.dirname, '../../../..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deploy-steps-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(step: string, args: string[], environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(ROOT, `bin/${step}.ts`), ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, error, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { out: out.trim(), error, exitCode };
}

function write(file: string, content: object): string {
  const path = join(folder, file);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const table = (...indexes: string[]) => ({
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: { GlobalSecondaryIndexes: indexes.map((IndexName) => ({ IndexName })) },
    },
  },
});

describe('refuse-update', () => {
  test("compares the environment's own template, though an earlier synth left another's in the folder", async () => {
    write('mailgun-ledger-dev.template.json', table());
    write('mailgun-ledger-prod.template.json', table('a', 'b'));

    expect(await run('refuse-update', ['prod', folder, write('deployed.json', table())])).toMatchObject({
      out: 'mailgun-ledger-prod: indexes + a, + b\nA deploy can change one index: deploy the previous commit first.',
      exitCode: 1,
    });
  });

  test('fails where the assembly has no template of the environment', async () => {
    write('mailgun-ledger-dev.template.json', table());

    const { out, error, exitCode } = await run('refuse-update', ['prod', folder, write('deployed.json', table())]);
    expect([out, exitCode]).toEqual(['', 1]);
    expect(error).toContain('mailgun-ledger-prod.template.json');
  });

  test('does not call a stack that is not deployed as deployed', async () => {
    write('mailgun-ledger-prod.template.json', table('a', 'b'));

    expect(await run('refuse-update', ['prod', folder, write('deployed.json', {})])).toMatchObject({
      out: 'mailgun-ledger-prod: not deployed yet',
      exitCode: 0,
    });
  });
});

describe('deployed-template', () => {
  let server: Listening;
  let account: string;
  let regions: string[];
  let replies: Record<string, [status: number, xml: string]>;

  beforeAll(async () => {
    server = await listenOnLoopback(async (incoming, outgoing) => {
      const action = new URLSearchParams(await text(incoming)).get('Action') ?? 'none';
      regions.push(/\/\d{8}\/([a-z0-9-]+)\//.exec(incoming.headers.authorization ?? '')?.[1] ?? 'none');
      const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
      const [status, xml] = action === 'GetCallerIdentity' ? [200, identity] : (replies[action] ?? [500, '']);
      outgoing.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
    });
  });
  afterAll(() => server?.close());
  beforeEach(() => {
    account = '333333333333';
    regions = [];
    replies = {};
  });

  const deployed = () =>
    run('deployed-template', ['prod'], {
      AWS_ENDPOINT_URL: server.url,
      AWS_REGION: 'ap-southeast-2',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });

  test("reads the stack in the region of cdk.json, not in the shell's", async () => {
    const body = '<TemplateBody>{"Resources":{}}</TemplateBody>';
    replies.GetTemplate = [
      200,
      `<GetTemplateResponse><GetTemplateResult>${body}</GetTemplateResult></GetTemplateResponse>`,
    ];

    expect(await deployed()).toMatchObject({ out: '{"Resources":{}}', exitCode: 0 });
    expect(regions).toEqual(['eu-west-1', 'eu-west-1']);
  });

  test('prints an empty template where the stack does not exist', async () => {
    const error = '<Code>ValidationError</Code><Message>Stack with id mailgun-ledger-prod does not exist</Message>';
    replies.GetTemplate = [400, `<ErrorResponse><Error><Type>Sender</Type>${error}</Error></ErrorResponse>`];

    expect(await deployed()).toMatchObject({ out: '{}', exitCode: 0 });
  });

  test('fails with credentials of another account, in which the stack would seem not to exist', async () => {
    account = '111111111111';

    const { out, error, exitCode } = await deployed();
    expect([out, exitCode]).toEqual(['', 1]);
    expect(error).toContain('of account 111111111111, but cdk.json has prod in 333333333333');
  });
});
