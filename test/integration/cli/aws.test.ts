import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Listening, listenOnLoopback } from '../../../tools/local-stack/run/listener.ts';

// The real command against a server that replies like AWS, in AWS's query protocol.

const ROOT = join(import.meta.dirname, '../../..');

let server: Listening;
/** AWS's replies by action. */
let replies: Record<string, [status: number, xml: string]>;
let regions: string[];

beforeAll(async () => {
  server = await listenOnLoopback(async (incoming, outgoing) => {
    const action = new URLSearchParams(await text(incoming)).get('Action') ?? 'none';
    regions.push(/\/\d{8}\/([a-z0-9-]+)\//.exec(incoming.headers.authorization ?? '')?.[1] ?? 'none');
    const [status, xml] = replies[action] ?? [400, error('InvalidAction', action)];
    outgoing.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
  });
});
afterAll(() => server?.close());

const error = (code: string, message: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`;
const identity = (account: string): [number, string] => [
  200,
  `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::${account}:user/ada</Arn><UserId>A</UserId><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
];

async function run(args: string[], its: typeof replies, credentials = true) {
  replies = its;
  regions = [];
  const { AWS_PROFILE: _profile, ...environment } = process.env;
  const child = spawn(process.execPath, [join(ROOT, 'bin/mailgun-ledger.ts'), ...args], {
    env: {
      ...environment,
      AWS_ENDPOINT_URL: server.url,
      AWS_REGION: 'ap-southeast-2',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
      ...(credentials ? { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' } : {}),
    },
  });
  const [out, err, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  return { out: out.trim(), err: err.trim(), exitCode };
}

const NO_STACK = error('ValidationError', 'Stack with id mailgun-ledger-prod does not exist');

test.each([
  {
    name: 'no stack',
    its: { GetCallerIdentity: identity('333333333333'), DescribeStacks: [400, NO_STACK] as [number, string] },
    expected:
      'there is no stack mailgun-ledger-prod in eu-west-1 of account 333333333333; cdk.json knows dev, staging, prod',
  },
  {
    name: 'another account',
    its: { GetCallerIdentity: identity('111111111111') },
    expected:
      'the AWS credentials are those of account 111111111111, but cdk.json has mailgun-ledger-prod in account 333333333333',
  },
  {
    name: 'expired credentials',
    its: {
      GetCallerIdentity: [403, error('ExpiredToken', 'The security token included in the request is expired')] as [
        number,
        string,
      ],
    },
    expected:
      'the stack mailgun-ledger-prod cannot be read: the AWS credentials have expired: run aws sso login or aws configure, or name a profile in AWS_PROFILE',
  },
  {
    name: 'denied',
    its: {
      GetCallerIdentity: identity('333333333333'),
      DescribeStacks: [403, error('AccessDenied', 'ada may not cloudformation:DescribeStacks')] as [number, string],
    },
    expected: 'the stack mailgun-ledger-prod cannot be read: AWS refuses: ada may not cloudformation:DescribeStacks',
  },
])(
  'an AWS error is one sentence and exit code 1, in the region of cdk.json: $name',
  async ({ its, expected }) => {
    const { out, err, exitCode } = await run(['status', '--env', 'prod'], its);
    expect({ out, err, exitCode }).toEqual({ out: '', err: expected, exitCode: 1 });
    expect(new Set(regions)).toEqual(new Set(['eu-west-1']));
  },
  60_000,
);

test('missing credentials are reported as a JSON line', async () => {
  const { out, exitCode } = await run(['why', 'x', '--env', 'prod', '--json'], {}, false);
  expect(exitCode).toBe(1);
  expect(JSON.parse(out)).toEqual({
    event: 'error',
    message: expect.stringMatching(/there are no AWS credentials: run aws sso login/),
  });
}, 60_000);
