import { mock } from 'node:test';
import { KMSServiceException } from '@aws-sdk/client-kms';
import {
  accountChecks,
  type Check,
  type Finding,
  machineChecks,
} from '../../../../cli/commands/doctor/machine-checks.ts';
import {
  checkOrigin,
  judgePreflight,
  judgeRefusal,
  judgeResponse,
  judgeWebhookRoute,
  originChecks,
} from '../../../../cli/commands/doctor/origin-checks.ts';
import { stackChecks } from '../../../../cli/commands/doctor/stack-checks.ts';
import { runCheck } from '../../../../cli/commands/doctor.ts';
import { StackNotFoundError, TargetUnavailableError } from '../../../../cli/errors.ts';
import { type AwsAccount, openAccount } from '../../../../cli/target/aws.ts';
import { type Deployment, parseLogEntry } from '../../../../cli/target/types.ts';
import { MESSAGES, UNSET_API_KEY, UNSET_SIGNING_KEYS } from '../../../../lambdas/contract.ts';
import { keyFingerprint } from '../../../../lambdas/domain/webhooks/signature.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { doctorLine } from '../../../support/cli/json-lines/doctor.ts';
import { stubSecrets } from '../../../support/doubles/stub-secrets.ts';

const find = (checks: Check[], name: string) => {
  const check = checks.find((each) => each.name === name);
  if (check === undefined) throw new Error(`no check ${name}`);
  return check.check();
};

function account(over: Partial<AwsAccount> = {}): AwsAccount {
  return {
    region: 'eu-west-1',
    identity: async () => ({ account: '333333333333', arn: 'arn:aws:sts::333333333333:assumed-role/ops/ada' }),
    bootstrapVersion: async () => 30,
    concurrency: async () => ({ limit: 1000, unreserved: 1000 }),
    triggers: async () => [{ source: 'arn:aws:sqs:eu-west-1:333333333333:mail', state: 'Enabled', sinceMs: 0 }],
    subscriptions: async () => [{ protocol: 'email', endpoint: 'ops@acme.example', confirmed: true, deleted: false }],
    ...over,
  };
}

describe('this machine', () => {
  const java = (text: string | undefined, hasDynoxide = false) => ({
    nodeVersion: '24.21.0',
    readJavaVersion: async () => text,
    hasDynoxide,
  });
  test.each([
    ['openjdk version "17.0.9" 2023-10-17', 'ok'],
    ['openjdk version "21" 2023-09-19', 'ok'],
    ['java version "1.8.0_292"', 'wrong'],
    [undefined, 'wrong'],
  ])('Java %s is %s', async (text, state) => {
    expect(await find(machineChecks(java(text), true), 'Java')).toMatchObject({ state });
    expect(await find(machineChecks(java(text), false), 'Java')).toMatchObject({ state: 'skipped' });
    expect(await find(machineChecks(java(text, true), true), 'Java')).toMatchObject({ state: 'skipped' });
  });

  test.each([
    ['24.0.0', 'ok'],
    ['26.1.0', 'ok'],
    ['22.9.0', 'wrong'],
  ])('Node %s is %s', async (nodeVersion, state) => {
    expect(await find(machineChecks({ ...java('x'), nodeVersion }, true), 'Node')).toMatchObject({ state });
  });
});

describe("doctor's check of the account", () => {
  const checks = (over: Partial<AwsAccount> = {}, wanted: string | undefined = '333333333333') =>
    accountChecks({
      name: 'prod',
      environment: { region: 'eu-west-1', ...(wanted && { account: wanted }) },
      account: account(over),
    });

  test('reports that the local stack needs none', async () => {
    for (const { check } of accountChecks(undefined)) {
      expect(await check()).toEqual({ state: 'skipped', says: 'not on this machine' });
    }
  });

  test('fails unless the account is the one of cdk.json', async () => {
    expect(await find(checks(), 'credentials')).toMatchObject({ state: 'ok' });
    expect(await find(checks({}, '222222222222'), 'credentials')).toMatchObject({
      state: 'wrong',
      says: 'of account 333333333333, but cdk.json has prod in 222222222222',
    });
    expect(await find(checks({}, ''), 'credentials')).toMatchObject({ state: 'warning' });
  });

  test('fails unless the account is bootstrapped', async () => {
    expect(await find(checks(), 'bootstrap')).toMatchObject({ state: 'ok', says: 'version 30 in eu-west-1' });
    expect(await find(checks({ bootstrapVersion: async () => undefined }), 'bootstrap')).toMatchObject({
      state: 'wrong',
      fix: 'npx cdk bootstrap -c env=prod',
    });
  });

  test.each([
    [10, 'warning', 50],
    [50, 'warning', 450],
    [1000, 'ok', 9950],
    [3, 'warning', 10],
  ])('reports %d executions as %s, with an estimate of %d webhooks a second', async (limit, state, perSecond) => {
    const found = await find(checks({ concurrency: async () => ({ limit, unreserved: limit }) }), 'concurrency');
    expect(found).toMatchObject({
      state,
      says: expect.stringContaining(`about ${perSecond} webhooks a second (estimated: 0.1 s a webhook`),
    });
  });
});

describe("doctor's check of the table", () => {
  const gone = Object.assign(new Error('not found'), { name: 'ResourceNotFoundException', $metadata: {} });
  const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException', $metadata: {} });
  test.each([
    ['gone', gone, 'wrong', /^does not exist$/],
    ['being deleted', { Table: { TableStatus: 'DELETING' } }, 'wrong', /^is DELETING$/],
    ['without its key', { Table: { TableStatus: 'INACCESSIBLE_ENCRYPTION_CREDENTIALS' } }, 'wrong', /^is INACC/],
    ['being changed', { Table: { TableStatus: 'UPDATING' } }, 'ok', /^on demand$/],
    ['denied', denied, 'unknown', /^AWS refuses: no$/],
  ])('where it is %s', async (_, reply, state, says) => {
    const send = async () => {
      if (reply instanceof Error) throw reply;
      return reply;
    };
    const deployment = stubDeployment({
      clients: { table: { send } } as unknown as Deployment['clients'],
      output: (key) => key,
    });
    const table = stackChecks({ deployment, account: undefined, now: () => 0 }).find(({ name }) => name === 'table');
    expect(await runCheck(table!.check)).toMatchObject({ state, says: expect.stringMatching(says) });
  });
});

test('doctor finds a topic that is gone', async () => {
  const subscriptions = async () => {
    throw Object.assign(new Error('Topic does not exist'), { name: 'NotFoundException', $metadata: {} });
  };
  const deployment = stubDeployment({ output: (key) => key });
  const checks = stackChecks({ deployment, account: account({ subscriptions }), now: () => 0 });
  expect(await find(checks, 'page topic')).toMatchObject({
    state: 'wrong',
    says: 'does not exist, so no one is notified',
  });
});

test.each([
  ['UPDATE_COMPLETE', 'ok', 'mailgun-ledger-stub', null],
  ['ROLLBACK_COMPLETE', 'wrong', 'mailgun-ledger-stub is ROLLBACK_COMPLETE', expect.stringMatching(/deploy again/)],
  ['UPDATE_IN_PROGRESS', 'warning', 'mailgun-ledger-stub is UPDATE_IN_PROGRESS', 'wait until the deploy is over'],
])('doctor judges a stack in the status %s', async (stack, state, says, fix) => {
  const openDeployment = async () => stubDeployment({ state: stack });
  const { json, exitCode } = await runCommand(['doctor', '--local', '--json'], { openDeployment });
  expect(json().find(({ check }) => check === 'stack')).toEqual({ event: 'check', check: 'stack', state, says, fix });
  // The stub lacks all else.
  expect(exitCode).toBe(1);
});

describe("doctor's check of the stack", () => {
  const place = (secrets: Record<string, string>, its?: AwsAccount) => ({
    deployment: stubDeployment({ ref: { kind: 'aws', environment: 'prod' }, ...stubSecrets(secrets) }),
    account: its,
    now: () => 0,
  });
  const fresh = {
    SigningKeysSecretArn: UNSET_SIGNING_KEYS,
    ApiKeySecretArn: UNSET_API_KEY,
    ApiTokenSecretArn: 'the-token-itself',
  };

  test('reports missing keys, and never prints a key', async () => {
    const checks = stackChecks(place(fresh));
    expect(await find(checks, 'signing key')).toMatchObject({
      state: 'wrong',
      fix: expect.stringContaining('keys set'),
    });
    expect(await find(checks, 'API key')).toMatchObject({ state: 'wrong' });
    expect(await find(checks, 'Mailgun for mg.example.com')).toMatchObject({ state: 'skipped' });
    expect(await find(checks, 'webhooks of mg.example.com')).toMatchObject({ state: 'skipped' });
    expect(await find(checks, 'API token')).toEqual({ state: 'ok', says: 'set' });
  });

  test.each<[string, object[], object[], string, RegExp]>([
    ['verifies', [{ fingerprint: keyFingerprint('key-1') }], [], 'ok', /^current \w{8} verifies webhooks/],
    [
      'verified nothing while webhooks were refused',
      [],
      [{ reason: 'unauthorized' }],
      'wrong',
      /verified no webhook.*1 got/,
    ],
    [
      'was preceded by another that verified',
      [{ fingerprint: '01234567' }],
      [{ reason: 'unauthorized' }],
      'wrong',
      /no webhook/,
    ],
    ['is confirmed by nothing', [], [], 'warning', /no webhook of the last hour has confirmed/],
  ])('judges a signing key that %s', async (_, verified, refused, state, says) => {
    const logs: Deployment['logs'] = async (_source, _since, filter) =>
      (filter?.message === MESSAGES.refused ? refused : verified).map((facts) =>
        parseLogEntry(0, JSON.stringify(facts)),
      );
    const { deployment, ...rest } = place({ ...fresh, SigningKeysSecretArn: '{"current":"key-1"}' });
    const found = await find(stackChecks({ deployment: { ...deployment, logs }, ...rest }), 'signing key');

    expect(found).toMatchObject({ state, says: expect.stringMatching(says) });
    expect(found?.fix !== undefined).toBe(state !== 'ok');
  });

  test.each([
    ['confirmed', [true], 'ok', 'a0@acme.example'],
    ['one not confirmed', [true, false], 'wrong', 'not confirmed, so not notified: a1@acme.example'],
    ['none', [], 'warning', 'no one is subscribed'],
  ])('judges subscriptions: %s', async (_name, confirmed, state, says) => {
    const subscriptions = confirmed.map((each, n) => ({
      protocol: 'email',
      endpoint: `a${n}@acme.example`,
      confirmed: each,
      deleted: false,
    }));
    const checks = stackChecks(place(fresh, account({ subscriptions: async () => subscriptions })));
    expect(await find(checks, 'page topic')).toMatchObject({ state, says });
    expect(await find(stackChecks(place(fresh)), 'page topic')).toMatchObject({ state: 'skipped' });
  });

  test('tells a subscription that was ended from one that is not confirmed', async () => {
    const reply = (arn: string, address: string) =>
      `<member><SubscriptionArn>${arn}</SubscriptionArn><Protocol>email</Protocol><Endpoint>${address}</Endpoint></member>`;
    const members = reply('Deleted', 'gone@acme.example') + reply('PendingConfirmation', 'new@acme.example');
    const sns = await listenOnLoopback((_, response) =>
      response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(
          `<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions>${members}</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`,
        ),
    );
    const earlier = { ...process.env };
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SNS: sns.url,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    const { subscriptions } = openAccount('eu-west-1');
    const found = await find(stackChecks(place(fresh, account({ subscriptions }))), 'page topic').finally(() => {
      process.env = earlier;
      return sns.close();
    });

    expect(found).toEqual({
      state: 'wrong',
      says: 'unsubscribed, so not notified: gone@acme.example',
      fix: expect.stringContaining('alarms.page of cdk.json'),
    });
  });
});

describe("doctor's CORS check", () => {
  const ORIGIN = 'https://mail.acme.example';
  const respond = (status: number, headers: Record<string, string>) => ({ status, headers: new Headers(headers) });
  const granted = { 'access-control-allow-origin': ORIGIN, vary: 'Origin' };
  const preflight = {
    ...granted,
    'access-control-allow-methods': 'GET, POST, OPTIONS',
    'access-control-allow-headers': 'Authorization, Content-Type',
    'access-control-max-age': '600',
  };

  test.each([
    ['allowed', respond(204, preflight), 'ok'],
    ['no 2xx', respond(403, preflight), 'wrong'],
    ['another origin', respond(204, { ...preflight, 'access-control-allow-origin': 'https://x.example' }), 'wrong'],
    ['no origin', respond(204, { 'access-control-allow-methods': 'GET' }), 'wrong'],
    ['no method', respond(204, { ...preflight, 'access-control-allow-methods': 'POST' }), 'wrong'],
    ['no Authorization', respond(204, { ...preflight, 'access-control-allow-headers': 'content-type' }), 'wrong'],
  ])('judges a preflight: %s', (_name, its, state) => {
    expect(judgePreflight(its, ORIGIN, 'allow it').state).toBe(state);
  });

  test('reads a refusal only with CORS on it', () => {
    expect(judgeRefusal(respond(401, granted), ORIGIN, 'allow it').state).toBe('ok');
    expect(judgeRefusal(respond(401, {}), ORIGIN, 'allow it')).toMatchObject({ state: 'wrong', fix: 'allow it' });
    expect(judgeRefusal(respond(200, granted), ORIGIN, 'allow it').state).toBe('wrong');
  });

  test('reads a response only with CORS on it, and Vary keeps caches from mixing origins', () => {
    expect(judgeResponse(respond(200, granted), ORIGIN, 'allow it').state).toBe('ok');
    expect(judgeResponse(respond(200, {}), ORIGIN, 'allow it').state).toBe('wrong');
    expect(judgeResponse(respond(403, granted), ORIGIN, 'allow it').state).toBe('wrong');
    expect(judgeResponse(respond(200, { ...granted, vary: 'Accept' }), ORIGIN, 'allow it').state).toBe('wrong');
  });

  test('fails if the webhook route allows a browser', () => {
    expect(judgeWebhookRoute(respond(404, {})).state).toBe('ok');
    expect(judgeWebhookRoute(respond(204, granted)).state).toBe('wrong');
  });

  test.each(['https://mail.acme.example/', 'https://mail.acme.example/app', 'mail.acme.example', 'null', '*'])(
    'refuses %s as an origin',
    (text) => {
      expect(() => checkOrigin(text)).toThrow(/^--origin takes only scheme, host and port/);
    },
  );
});

describe('doctor', () => {
  const run = (context: Parameters<typeof runCommand>[1], env = 'prod') =>
    runCommand(['doctor', '--env', env, '--json'], context);

  test('names no environment of cdk.json for a stack of another app', async () => {
    const { json } = await runCommand(['doctor', '--stack', 'Mail', '--json'], {
      environment: { AWS_REGION: 'eu-west-1' },
      openAccount: async () => account({ bootstrapVersion: async () => undefined }),
      openDeployment: async () => {
        throw new StackNotFoundError('there is no stack Mail');
      },
    });
    const lines = json().map((line) => doctorLine.parse(line));
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ check: 'credentials', state: 'ok', fix: null }),
        expect.objectContaining({ check: 'bootstrap', state: 'wrong', fix: 'npx cdk bootstrap' }),
        expect.objectContaining({ check: 'stack', state: 'wrong', fix: 'npx cdk deploy Mail' }),
      ]),
    );
  });

  test('continues if the account denies access, and stops if the stack does not exist', async () => {
    const denied = Object.assign(new Error('User: ada is not authorized to perform: ssm:GetParameter'), {
      name: 'AccessDeniedException',
      $metadata: {},
    });
    const { exitCode, json } = await run({
      openAccount: async () => account({ bootstrapVersion: () => Promise.reject(denied) }),
      openDeployment: async () => {
        throw new StackNotFoundError('there is no stack mailgun-ledger-prod');
      },
    });
    const lines = json().map((line) => doctorLine.parse(line));
    expect(exitCode).toBe(1);
    expect(lines.map(({ check, state }) => [check, state])).toEqual([
      ['Node', 'ok'],
      ['Java', 'skipped'],
      ['credentials', 'ok'],
      ['bootstrap', 'unknown'],
      ['concurrency', 'ok'],
      ['stack', 'wrong'],
    ]);
    expect(lines[3]?.says).toMatch(/^AWS refuses: User: ada is not authorized/);
    expect(lines.at(-1)?.fix).toBe('npx cdk deploy -c env=prod');
  });

  test('suggests no deploy if the stack cannot be read', async () => {
    const { json } = await run({
      openAccount: async () => account(),
      openDeployment: async () => {
        throw new TargetUnavailableError('the stack mailgun-ledger-prod cannot be read');
      },
    });
    expect(json().at(-1)).toMatchObject({ check: 'stack', state: 'wrong', fix: expect.stringMatching(/rights/) });
  });

  test('--help names the bootstrap parameter with the qualifier of the environment', async () => {
    const { lines } = await runCommand(['doctor', '--help'], {});
    expect(lines.join('\n')).toContain('/cdk-bootstrap/<qualifier>/version (bootstrapQualifier of cdk.json');
  });

  test('refuses an environment that cdk.json does not name', async () => {
    const { exitCode, json } = await run({}, 'nope');
    expect(exitCode).toBe(2);
    expect(json()).toEqual([{ event: 'error', message: 'cdk.json has no environment nope, only dev, staging, prod' }]);
  });
});

describe("doctor's check of the read API", () => {
  const respondingWith = async (status: number | undefined) => {
    const { url, close } = await listenOnLoopback((_, response) => response.writeHead(status ?? 200).end('{}'));
    if (status === undefined) await close();
    const { output, ...secrets } = stubSecrets({ ApiTokenSecretArn: 'the-token' });
    const outputs = (key: string) => (key === 'ApiUrl' ? url : (output as (key: string) => string)(key));
    const deployment = stubDeployment({ ...secrets, output: outputs });
    const checks = stackChecks({ deployment, account: undefined, now: () => 0 });
    return find(checks, 'read API').finally(close);
  };

  test.each([
    [200, 'ok', /^responds$/, undefined],
    [401, 'wrong', /refuses the stored token/, /wait for 5 minutes after token rotate/],
    [503, 'wrong', /mailgun\/health returns 503$/, /logs read-api --since 30m --message "read failed" --local/],
    [undefined, 'wrong', /does not respond/, /logs read-access/],
  ])('judges the status %p as %s', async (status, state, says, fix) => {
    expect(await respondingWith(status)).toEqual({
      state,
      says: expect.stringMatching(says),
      ...(fix && { fix: expect.stringMatching(fix) }),
    });
  });
});

describe("doctor's check of a read API that takes JWTs", () => {
  const JwtIssuer = 'https://login.acme.example';
  const why = `the read API takes JWTs of ${JwtIssuer} alone`;
  const responding = async (status: number, check: (deployment: Deployment) => Promise<Finding>) => {
    let authorization: string | undefined;
    const { url, close } = await listenOnLoopback(({ headers }, response) => {
      authorization = headers.authorization;
      response.writeHead(status, { 'access-control-allow-origin': 'https://mail.acme.example' }).end('{}');
    });
    // No secret can be read.
    const { output, ...secrets } = stubSecrets({});
    const outputs = (key: string) => ({ ApiUrl: url, JwtIssuer })[key] ?? (output as (key: string) => string)(key);
    const deployment = stubDeployment({ ...secrets, output: outputs });
    const found = await runCheck(() => check(deployment)).finally(close);
    return { ...found, authorization };
  };
  const stackCheck = (name: string) => (deployment: Deployment) =>
    find(stackChecks({ deployment, account: undefined, now: () => 0 }), name);

  test.each([
    [401, 'ok', `responds; reading is not checked: ${why}`],
    [200, 'wrong', expect.stringMatching(/returns 200$/)],
    [503, 'wrong', expect.stringMatching(/returns 503$/)],
  ])('judges the status %i as %s, without the token', async (status, state, says) => {
    expect(await responding(status, stackCheck('read API'))).toMatchObject({ state, says, authorization: undefined });
  });

  test.each<[string, (deployment: Deployment) => Promise<Finding>]>([
    ['API token', stackCheck('API token')],
    [
      '3 with the token',
      (deployment) => find(originChecks(deployment, 'https://mail.acme.example'), '3 with the token'),
    ],
  ])('skips "%s"', async (_, check) => {
    expect(await responding(401, check)).toMatchObject({ state: 'skipped', says: `not checked: ${why}` });
  });
});

describe("doctor's check of the triggers", () => {
  const QUEUE = 'arn:aws:sqs:eu-west-1:333333333333:mail';
  const checked = (over: Partial<AwsAccount>, outputs = ['ProcessFunctionName', 'PublishFunctionName']) => {
    const output = (key: string) => (outputs.includes(key) ? key : '');
    const deployment = stubDeployment({ output });
    return find(stackChecks({ deployment, account: account(over), now: () => 3 * 3_600_000 }), 'triggers');
  };

  test('is ok while each is on, and reads those of functions that the stack has', async () => {
    const read: string[] = [];
    const triggers: AwsAccount['triggers'] = async (name) => {
      read.push(name);
      return ['Enabled', 'Updating', 'Creating'].map((state) => ({ source: QUEUE, state, sinceMs: 0 }));
    };

    expect(await checked({ triggers })).toEqual({ state: 'ok', says: 'on' });
    expect(read).toEqual(['ProcessFunctionName', 'PublishFunctionName']);
  });

  test.each(['Disabling', 'Disabled', 'Deleting'])('names one that is %s, and since when', async (state) => {
    const triggers: AwsAccount['triggers'] = async (name) => [
      { source: QUEUE, state: name === 'PublishFunctionName' ? state : 'Enabled', sinceMs: 0 },
    ];

    expect(await checked({ triggers })).toEqual({
      state: 'wrong',
      says: expect.stringMatching(new RegExp(`^publish: ${QUEUE} is ${state} since 1970-.* \\(3 h ago\\)$`)),
      fix: expect.stringContaining('the-table-is-restored'),
    });
  });

  test('is wrong where a function has none', async () => {
    expect(await checked({ triggers: async () => [] }, ['DeliverFunctionName'])).toMatchObject({
      state: 'wrong',
      says: 'deliver has none',
    });
  });

  test('names a receiver whose queue none of them reads', async () => {
    const receiver = (name: string) => ({
      name,
      url: 'u',
      secretArn: 'a',
      queueUrl: `https://sqs/${name}`,
      deadLettersUrl: 'd',
    });
    const receivers = JSON.stringify([receiver('mail'), receiver('crm')]);
    const output = (key: string) => ({ DeliverFunctionName: key, Receivers: receivers })[key] ?? '';
    const triggers = async () => [{ source: QUEUE, state: 'Enabled', sinceMs: 0 }];
    const checks = stackChecks({
      deployment: stubDeployment({ output }),
      account: account({ triggers }),
      now: () => 0,
    });

    expect(await find(checks, 'triggers')).toMatchObject({ state: 'wrong', says: 'deliver has none for crm' });
  });

  test('reads every page of what Lambda lists', async () => {
    const mapping = (State: string) => ({ EventSourceArn: QUEUE, State, LastModified: 1_770_000_000 });
    const lambda = await listenOnLoopback(({ url = '' }, response) => {
      const isFirst = !url.includes('Marker=');
      const page = {
        EventSourceMappings: [mapping(isFirst ? 'Enabled' : 'Disabled')],
        ...(isFirst && { NextMarker: 'm' }),
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(page));
    });
    const earlier = { ...process.env };
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_LAMBDA: lambda.url,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    const found = await openAccount('eu-west-1')
      .triggers('publish')
      .finally(() => {
        process.env = earlier;
        return lambda.close();
      });

    expect(found).toEqual(
      ['Enabled', 'Disabled'].map((state) => ({ source: QUEUE, state, sinceMs: 1_770_000_000_000 })),
    );
  });
});

describe("doctor's check of the API key", () => {
  const checked = async (secret: string, status: number, ofEvents = status) => {
    const server = await listenOnLoopback(({ url = '' }, response) =>
      response.writeHead(url.includes('/events') ? ofEvents : status).end('{}'),
    );
    const secrets = stubSecrets({ ApiKeySecretArn: secret });
    const deployment = stubDeployment({ ...secrets, mailgunUrl: () => server.url });
    const checks = stackChecks({ deployment, account: undefined, now: () => 0 });
    const states: Record<string, string> = {};
    for (const { name, check, unknownFix } of checks.filter(({ name: each }) =>
      /^API key|^Mailgun|redaction/.test(each),
    ))
      states[name] = (await runCheck(check, unknownFix)).state;
    const found = await runCheck(checks.find(({ name }) => name === 'API key')!.check);
    await server.close();
    return { states: Object.values(states), found };
  };

  test.each([
    { archive: 'an archive, which stays empty', hasArchive: true, state: 'wrong', says: /so nothing is archived$/ },
    { archive: 'no archive', hasArchive: false, state: 'warning', says: /reconciliation is off$/ },
  ])('reports a key that is not set as $state where there is $archive', async ({ hasArchive, state, says }) => {
    const { clients, output: any } = stubSecrets({ ApiKeySecretArn: '{}' });
    const output = (key: Parameters<typeof any>[0]) => (key === 'ArchiveBucketName' && !hasArchive ? '' : any(key));
    const checks = stackChecks({ deployment: stubDeployment({ clients, output }), account: undefined, now: () => 0 });
    expect(await find(checks, 'API key')).toMatchObject({ state, says: expect.stringMatching(says) });
  });

  test.each([
    { name: 'that Mailgun refuses', secret: '{"apiKey":"key-1234"}', status: 401, state: 'wrong' },
    { name: 'whose secret holds no JSON object', secret: 'key-1234', status: 200, state: 'wrong' },
    { name: 'that is not set', secret: '{}', status: 200, state: 'wrong' },
  ])('reports $name once with its fix, and skips the checks that depend on it', async ({ secret, status, state }) => {
    const { states, found } = await checked(secret, status);
    expect(states).toEqual([state, 'skipped', 'skipped']);
    expect(found.fix).toMatch(/keys set --api-key .*< api-key\.txt$/);
  });

  test('accepts a key that Mailgun accepts', async () => {
    const { states, found } = await checked('{"apiKey":"key-1234"}', 200);
    expect([states[0], found.says]).toEqual(['ok', 'set, and Mailgun takes it']);
  });

  test.each([
    [200, ['ok', 'ok', 'skipped']],
    [401, ['wrong', 'skipped', 'skipped']],
    [404, ['ok', 'wrong', 'skipped']],
  ])('tries the key on the domain after the Events API ended: %d', async (status, states) => {
    expect((await checked('{"apiKey":"key-1234"}', status, 410)).states).toEqual(states);
  });

  test('is unknown, with all that depends on it, while Mailgun is busy', async () => {
    expect((await checked('{"apiKey":"key-1234"}', 503)).states).toEqual(['unknown', 'unknown', 'unknown']);
  });
});

test('doctor waits once for Mailgun that hangs, and reports what it did not request', async () => {
  const requested: string[] = [];
  const server = await listenOnLoopback(({ url = '' }) => requested.push(url));
  const shorten = AbortSignal.timeout.bind(AbortSignal);
  mock.method(AbortSignal, 'timeout', () => shorten(200));
  const domains = ['mg.example.com', 'news.example.com'];
  const keys = { ApiKeySecretArn: '{"apiKey":"key-1234"}', SigningKeysSecretArn: '{"current":"the-key-of-mailgun"}' };
  const deployment = stubDeployment({ ...stubSecrets(keys), domains, mailgunUrl: () => server.url });
  const atMailgun = stackChecks({ deployment, account: undefined, now: () => 0 }).filter(({ name }) =>
    /^(signing key|API key|role|Mailgun for|domains at|redaction)/.test(name),
  );
  const found: Record<string, string> = {};
  try {
    for (const { name, check } of atMailgun) {
      const { state, says } = await runCheck(check);
      if (name !== 'signing key') found[name] = `${state}: ${says}`;
    }
  } finally {
    mock.restoreAll();
    await server.close();
  }

  expect(requested).toHaveLength(1);
  const { host } = new URL(server.url);
  const names = ['API key', 'role of the API key', 'domains at Mailgun'];
  for (const domain of domains) names.push(`Mailgun for ${domain}`, `redaction of ${domain}`);
  expect(found).toEqual(
    Object.fromEntries(names.map((name) => [name, `unknown: not requested: Mailgun (${host}) did not respond`])),
  );
});

test('doctor reports unreadable settings as unknown, each with a fix', async () => {
  const secrets = stubSecrets({});
  const denied = new KMSServiceException({
    name: 'AccessDeniedException',
    $fault: 'client',
    $metadata: {},
    message: 'not authorized to perform: kms:GetPublicKey',
  });
  const signing = { send: () => Promise.reject(denied) };
  const clients = { ...secrets.clients, signing } as unknown as Deployment['clients'];
  const deployment = stubDeployment({ ...secrets, clients });
  const checks = stackChecks({ deployment, account: undefined, now: () => 0 });
  const certificates = checks.find(({ name }) => name === 'key of certificates')!;
  expect(await runCheck(certificates.check, certificates.unknownFix)).toMatchObject({
    state: 'unknown',
    says: expect.stringContaining('kms:GetPublicKey'),
    fix: expect.stringContaining('CertificateKeyArn'),
  });
  for (const { check, name, unknownFix } of checks) {
    // Its table and its queues are not even stubs.
    if (/^(last|bounce classes) |queue$/.test(name) || ['listing API', 'table'].includes(name)) continue;
    const { state, fix } = await runCheck(check, unknownFix);
    if (state === 'ok' || state === 'skipped') continue;
    expect({ name, fix }).toEqual({
      name,
      fix: expect.stringMatching(name.match(/^Mailgun|^webhooks/) ? /keys set --api-key/ : /./),
    });
  }
  const unreadable = async () => {
    throw new TargetUnavailableError('denied');
  };
  expect(await runCheck(unreadable)).toEqual({
    state: 'unknown',
    says: 'denied',
    fix: expect.stringMatching(/rights/),
  });
});

test('doctor blames no key for a secret that cannot be read', async () => {
  const checks = stackChecks({ deployment: stubDeployment(stubSecrets({})), account: undefined, now: () => 0 });
  const key = checks.find(({ name }) => name === 'API key')!;

  const { says, fix } = await runCheck(key.check, key.unknownFix);

  expect(says).toMatch(/^the secret ApiKeySecretArn cannot be read/);
  expect(fix).toMatch(/need not be wrong.*AWS Health Dashboard/);
  expect(fix).not.toContain('keys set');
});

test.each([
  ['on demand', {}, 'on demand'],
  ['provisioned', { WriteCapacityUnits: 20, ReadCapacityUnits: 5 }, 'provisioned: now 20 writes and 5 reads a second'],
])("doctor reports the table's billing mode: %s", async (_, ProvisionedThroughput, says) => {
  const table = { send: async () => ({ Table: { ProvisionedThroughput } }) };
  const clients = { table } as unknown as Deployment['clients'];
  const deployment = stubDeployment({ clients, output: (key) => key });

  const checks = stackChecks({ deployment, account: undefined, now: () => 0 });

  expect(await find(checks, 'table')).toEqual({ state: 'ok', says });
});
