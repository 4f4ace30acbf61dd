import { createProgram } from '../../../../cli/parse-command-line.ts';
import { PRICES } from '../../../../cli/planning/prices.ts';
import { LATENESS_TIERS } from '../../../../lambdas/read-api/tail/lateness-tiers.ts';
import { type Listening, listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { tailLine } from '../../../support/cli/json-lines/tail.ts';

interface ApiResponse {
  status?: number;
  body: object;
}

let server: Listening;
const requests: URLSearchParams[] = [];
afterEach(async () => {
  requests.length = 0;
  await server?.close();
});

/** Starts a read API with these responses in turn; the last one repeats. */
async function readApi(...responses: ApiResponse[]): Promise<string> {
  server = await listenOnLoopback((request, response) => {
    requests.push(new URL(request.url ?? '', 'http://localhost').searchParams);
    const { status = 200, body } = responses[Math.min(requests.length, responses.length) - 1] as ApiResponse;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return server.url;
}

const entry = (id: string, over = {}) => ({
  key: `delivered#${id}`,
  event: 'delivered',
  timestamp: 1_770_000_000,
  receivedAt: '2026-02-02T02:40:01.000Z',
  recipient: 'ada@north.example',
  messageId: `${id}@mg.example.com`,
  reason: null,
  testMode: false,
  ...over,
});
const page = (next: string, events: object[] = [], behind = false): ApiResponse => ({ body: { events, behind, next } });

async function tail(url: string, args: string[] = [], over = {}, outputs: Record<string, string> = {}) {
  const clients = { secrets: { send: async () => ({ SecretString: 'token' }) } } as never;
  const output = (key: string) => ({ ApiUrl: url, ...outputs })[key] ?? outputOfItsKey(key);
  return runCommand(['tail', '--local', ...args], {
    openDeployment: async () => stubDeployment({ clients, output }),
    ...over,
  });
}

test('tail reads all pages, and prints the cursor after each', async () => {
  const url = await readApi(page('c1', [entry('a'), entry('b')], true), page('c2', [entry('c')]));
  const { exitCode, json } = await tail(url, ['--json', '--once', '--domain', 'mg.example.com', '--since', '1h']);
  const lines = json();

  expect(exitCode).toBe(0);
  expect(
    lines.map((line) => tailLine.parse(line)).map((line) => ('cursor' in line ? line.cursor : line.entry.key)),
  ).toEqual([...['delivered#a', 'delivered#b', 'c1', 'delivered#c', 'c2']]);
  expect(requests.map((query) => [query.get('cursor'), query.get('domain')])).toEqual([
    [null, 'mg.example.com'],
    ['c1', 'mg.example.com'],
  ]);
});

test('tail sends no token to a read API that takes JWTs, and reports why', async () => {
  const url = await readApi(page('c1'));
  const { exitCode, errors } = await tail(url, ['--once'], {}, { JwtIssuer: 'https://login.acme.example' });

  expect({ exitCode, errors }).toEqual({
    exitCode: 1,
    errors: ['the read API takes JWTs of https://login.acme.example alone'],
  });
  expect(requests).toEqual([]);
});

test('tail prints time, event, recipient and delay as text, and at the end the command that continues', async () => {
  const late = entry('l', { timestamp: 1_770_000_000 - 7200, event: 'failed', reason: 'bounce\u001b[31m' });
  const url = await readApi(page('c1', [late]));
  const { lines, errors } = await tail(url, ['--once', '--tag', 'spring $ale']);

  expect(lines).toEqual([
    '2026-02-02 00:40:00 UTC  failed       ada@north.example  l@mg.example.com  (bounce [31m)  (received 120 min late)',
  ]);
  expect(errors).toEqual(["Continue with: npm run ledger -- tail --local --port 4010 --tag 'spring $ale' --cursor c1"]);
});

test('tail trims a tag, and refuses one that no mail has', async () => {
  const url = await readApi(page('c1'));
  await tail(url, ['--once', '--tag', ' Spring ']);
  expect(requests.map((query) => query.get('tag'))).toEqual(['spring']);
  for (const tag of ['*', ' * ']) expect(await tail(url, ['--once', '--tag', tag])).toMatchObject({ exitCode: 2 });
});

test('tail repeats a failed poll from the same cursor, with growing waits', async () => {
  const busy = { status: 404, body: { reason: 'unavailable', message: 'not now' } };
  const url = await readApi(page('c1'), busy, busy, page('c2', [entry('a')]), page('c2'));
  const stop = new AbortController();
  const waits: number[] = [];
  const { exitCode, errors } = await tail(url, ['--json', '--every', '2'], {
    signal: stop.signal,
    sleep: async (ms: number) => {
      waits.push(ms);
      if (waits.length === 4) stop.abort();
    },
  });

  expect([exitCode, waits]).toEqual([0, [2000, 2000, 4000, 2000]]);
  expect(errors).toEqual(['not now; trying again in 2 s', 'not now; trying again in 4 s']);
  expect(requests.map((query) => query.get('cursor'))).toEqual([null, 'c1', 'c1', 'c1']);
});

test.each([
  [
    ['--type', 'bounced'],
    { status: 400, body: { reason: 'bad-parameter', parameter: 'type', message: 'type must be one of x' } },
    2,
    '--type must be one of x',
  ],
  [
    ['--since', '60d'],
    { status: 400, body: { reason: 'bad-parameter', parameter: 'from', message: 'from must be at most 31 days ago' } },
    2,
    '--since must be at most 31 days ago',
  ],
  [
    ['--cursor', 'c1'],
    { status: 400, body: { reason: 'bad-parameter', parameter: 'cursor', message: 'must be `next` of …' } },
    2,
    expect.stringMatching(/^--cursor is not of a tail with the same options; .* begin with --since/),
  ],
  [[], { status: 401, body: { reason: 'unauthorized' } }, 1, 'the read API responded 401: unauthorized'],
])('tail %j, which the API refuses with %j, exits with %i', async (args, response, wanted, message) => {
  expect(await tail(await readApi(response), args)).toMatchObject({ exitCode: wanted, errors: [message] });
});

test.each([
  [['--since', '1h', '--cursor', 'c1'], /cannot be combined/],
  [['--cursor', 'not a cursor'], /Give the cursor/],
])('tail refuses %j as wrong usage', async (args, message) => {
  expect(await tail('http://127.0.0.1:9', args)).toMatchObject({
    exitCode: 2,
    errors: [expect.stringMatching(message)],
  });
});

test('the costs in the help of tail follow from polls and prices', async () => {
  const polls = 3600 / 5;
  // Ten types of one domain and of `-`, each a query of at least half a unit; 50 ms of 512 MB.
  const perPoll = PRICES.perApiRequest + PRICES.perInvocation + 0.05 * 0.5 * PRICES.perGigabyteSecond;
  const quiet = polls * (perPoll + 2 * 10 * 0.5 * PRICES.perReadUnit);
  const another = polls * (10 * 0.5 * PRICES.perReadUnit + 0.025 * 0.5 * PRICES.perGigabyteSecond);
  // The first tier is read again every poll: four minutes and a half at most, as the others by their own measure.
  const hoursRead = LATENESS_TIERS.slice(1).reduce(
    (sum, { fromMs, toMs, everyMs }) => sum + (toMs - fromMs) / everyMs,
    0,
  );
  const eventsAnHour = 1e6 / 730;
  const perMillion = (hoursRead + (polls * 4.5) / 60) * eventsAnHour * 0.53 * PRICES.perReadUnit;
  let help = '';
  const program = await createProgram({} as never, () => async () => {});
  program.commands
    .find((each) => each.name() === 'tail')
    ?.configureOutput({ writeOut: (text) => (help += text) })
    .outputHelp();

  expect(help).toContain(`about $${(Math.ceil(quiet * 1000) / 1000).toFixed(3)} an hour`);
  expect(help).toContain(`$${(Math.ceil(another * 1000) / 1000).toFixed(3)} more for each domain`);
  expect(help).toContain(`plus $${(Math.ceil(perMillion * 100) / 100).toFixed(2)} for each million webhooks`);
});

test('tail --once that finds nothing says so, and exits with 0', async () => {
  const url = await readApi(page('c1'));
  const { exitCode, lines, errors } = await tail(url, ['--once', '--json', '--tag', 'none', '--since', '1h']);

  expect(exitCode).toBe(0);
  expect(lines.map((line) => tailLine.parse(JSON.parse(line)))).toEqual([{ event: 'cursor', cursor: 'c1' }]);
  expect(errors).toEqual(['no event that fits was stored in that time']);
});
