import { createPublicKey, generateKeyPairSync, randomUUID, sign, verify as verifySignature } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeleteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { type SignedCertificate, signCertificate } from '../../../../cli/certificates/certificate-signature.ts';
import type { CliContext } from '../../../../cli/command.ts';
import type { VerifyLine } from '../../../../cli/commands/verify.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import {
  createSealStateRepository,
  createSliceRepository,
} from '../../../../lambdas/adapters/table/slice-repository.ts';
import type { ArchiveRow } from '../../../../lambdas/domain/archive/archive-row.ts';
import { type Certificate, stateDomain } from '../../../../lambdas/domain/archive/certificate.ts';
import { type ChainLink, linkOf, parseManifest } from '../../../../lambdas/domain/archive/manifest.ts';
import { manifestKey, objectKey } from '../../../../lambdas/domain/archive/object-keys.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import { chainHeadKey, sealPositionKey } from '../../../../lambdas/domain/keys.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';
import { openParquetWriter, readParquet } from '../../../../lambdas/formats/parquet.ts';
import type { ChainHead } from '../../../../lambdas/seal/ports.ts';
import { SLICE_SECONDS, SLICE_START } from '../../../support/archive/archive.ts';
import { type S3Bucket, startS3Bucket } from '../../../support/archive/s3-bucket.ts';
import { archiveIn, createTableSeal } from '../../../support/archive/table-seal.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import {
  CrashableInvocation,
  crashableInvocations,
  type InjectedFailure,
} from '../../../support/doubles/crashable-invocation.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// The real table, real Parquet, and a bucket that refuses overwriting: sealed, proved, verified, then tampered with.

const DAY = 86_400;
const LATER_MS = (SLICE_START + 3 * DAY) * 1000;
const EVENTS = 7;
const RANGE = ['--from', String(SLICE_START), '--to', String(SLICE_START + 2 * SLICE_SECONDS)];
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

let engines: TestEngines;
let s3: S3Bucket;
let certificate: SignedCertificate;
let callsOfSeal: ReadonlySet<string>;
const folder = mkdtempSync(join(tmpdir(), 'archive-'));

beforeAll(async () => {
  [engines, s3] = await Promise.all([startTestEngines(), startS3Bucket('archive')]);
  for (let nth = 0; nth < EVENTS; nth += 1) await store(nth, SLICE_START + nth);
  await pass(0, EVENTS);
  await pass(1, 0);
  s3.loseReply();
  const invoke = crashableInvocations([engines.dynamodb, s3.bucket.client]);
  const first = await invoke(seal);
  expect(first.result).toMatchObject({ sealed: 2, rows: EVENTS, done: true });
  callsOfSeal = new Set(first.points);
  expect(await seal()).toMatchObject({ sealed: 0, rows: 0, done: true });
  certificate = JSON.parse((await prove(RANGE)).lines[0] ?? '');
}, 90_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([engines?.close(), s3?.close()]);
});

async function store(nth: number, second: number): Promise<void> {
  const raw = deliveredEvent({ id: `id-${nth}`, timestamp: second, recipient: `reader-${nth}@example.org` });
  await createEventRepository(engines.table).putEvent({
    identity: identify(raw, DOMAIN),
    event: parseEvent(raw),
    domain: DOMAIN,
    source: 'webhook',
    atMs: second * 1000,
    receivedAtMs: second * 1000 + 900,
    expiresAt: SLICE_START + 90 * DAY,
    statusExpiresAt: 0,
  });
}

async function pass(slice: number, events: number): Promise<void> {
  const slices = createSliceRepository(engines.table);
  const start = SLICE_START + slice * SLICE_SECONDS;
  const previous = await slices.read(DOMAIN, start);
  const counts = events === 0 ? {} : { delivered: events };
  const atMs = LATER_MS - DAY * 1000;
  const passed = { startedAtMs: atMs, nowMs: atMs, unlisted: false, isOld: true };
  const bounds = { domain: DOMAIN, start, end: start + SLICE_SECONDS };
  await slices.write(
    slicePassed(bounds, previous, { ...emptyTally(), listed: counts, stored: counts }, passed),
    previous,
  );
}

const seal = () => createTableSeal(engines, archiveIn(s3), LATER_MS, { groupRows: 3 })();

const signing = {
  send: async ({ input }: { input: { Message?: Uint8Array } }) =>
    input.Message === undefined
      ? { PublicKey: key.publicKey.export({ type: 'spki', format: 'der' }) }
      : { Signature: sign('sha256', input.Message, key.privateKey) },
};

function run(
  args: readonly string[],
  invocation = new CrashableInvocation(),
  over: Partial<CliContext> = {},
  names: Partial<Deployment> = {},
) {
  const outputs: Record<string, string> = { ArchiveBucketName: s3.bucket.name, CertificateKeyArn: 'key' };
  const { secrets, table } = engines;
  // No other sender: an empty reply is final at once.
  const queues = {
    send: (command: { input: object }) => {
      if ('WaitTimeSeconds' in command.input) command.input.WaitTimeSeconds = 0;
      return engines.queues.send(command as never);
    },
  };
  const clients = {
    queues,
    secrets,
    table: invocation.wrap('table', table.client),
    archive: invocation.wrap('archive', s3.bucket.client),
    signing: invocation.wrap('signing', signing),
  };
  const target = stubDeployment({
    clients: clients as unknown as Deployment['clients'],
    output: (name) => outputs[name] ?? engines.output(name),
    ...names,
  });
  return runCommand(args, { openDeployment: async () => target, ...over });
}

const prove = (args: readonly string[], invocation?: CrashableInvocation, over?: Partial<CliContext>) =>
  run(['prove', '--local', ...args], invocation, over);
const erase = (recipient: string) => run(['erase', recipient, '--local', '--yes', '--json']);

async function verify(signed: unknown, ...args: string[]) {
  const { exitCode, json, errors } = await runCommand(['verify', '-', '--json', ...args], {
    readInput: async () => JSON.stringify(signed),
  });
  const lines = (exitCode === 2 ? [] : json()) as VerifyLine[];
  const faults = lines.flatMap((line) => (line.event === 'fault' ? [`${line.where} ${line.what}`] : []));
  return { exitCode, lines, faults, errors };
}

/** Returns a copy of the archive in a folder, with one object replaced or removed. */
function copyWith(changed: string, bytes?: Buffer): string {
  const copy = mkdtempSync(join(folder, 'copy-'));
  for (const [name, held] of s3.objects) {
    const put = name === changed ? bytes : held;
    if (put === undefined) continue;
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    writeFileSync(join(copy, name), put);
  }
  return copy;
}

const OBJECT = objectKey(DOMAIN, SLICE_START, 0);

async function rowsIn(bytes: Buffer): Promise<ArchiveRow[]> {
  const path = join(folder, `${randomUUID()}.parquet`);
  writeFileSync(path, bytes);
  const rows: ArchiveRow[] = [];
  for await (const group of readParquet(path)) rows.push(...group);
  return rows;
}

async function objectWith(change: (rows: ArchiveRow[]) => ArchiveRow[]): Promise<Buffer> {
  const path = join(folder, 'object.parquet');
  const writer = openParquetWriter(path);
  writer.add(change(await rowsIn(s3.objects.get(OBJECT) ?? Buffer.alloc(0))));
  writer.end();
  return readFileSync(path);
}

test('a certificate of sealed slices verifies alone, with the bucket, and with a copy of it', async () => {
  const places = [[], ['--archive', s3.url], ['--archive', copyWith('')]];
  for (const args of places) expect(await verify(certificate, ...args)).toMatchObject({ exitCode: 0, faults: [] });

  const { lines } = await verify(certificate, '--archive', s3.url);
  expect(lines).toContainEqual({ event: 'archive', domain: DOMAIN, objects: 1, rows: EVENTS, erased: 0 });
  expect(lines.at(-1)).toMatchObject({ holds: true, verdict: 'complete', ledger: 'mailgun-ledger-stub' });
});

test('prove and verify say to standard error how far they have come, if they take longer', async () => {
  let nowMs = LATER_MS;
  const slowly = { now: () => (nowMs += 5000) };
  const [first, second] = ['1 manifest', '2 manifests'].map((so) => `  ${DOMAIN}: ${so}`);

  const proved = await prove(RANGE, undefined, slowly);
  expect(proved.lines).toHaveLength(1);
  expect(proved.errors.slice(0, 2)).toEqual([`${first} read`, `${second} read`]);
  const older = { ...certificate.certificate.domains[0], chain: certificate.certificate.domains[0]?.chain.slice(0, 1) };
  const { errors } = await runCommand(['verify', '-', '--json', '--archive', s3.url], {
    ...slowly,
    readInput: async () =>
      JSON.stringify({ ...certificate, certificate: { ...certificate.certificate, domains: [older] } }),
  });
  expect(errors).toEqual([
    `${first} compared`,
    `  ${DOMAIN}: 1 later manifest read`,
    `  ${DOMAIN}: objects of 0 of 1 manifest checked`,
  ]);
});

test('a domain that Mailgun no longer has is certified for the time in which it was sealed', async () => {
  const names = { domains: ['other.example.com'], furtherDomains: [DOMAIN, 'never-listed.example.com'] };
  const { lines } = await run(['prove', '--local', ...RANGE], new CrashableInvocation(), {}, names);
  const statements = (await verify(JSON.parse(lines[0] ?? ''))).lines.filter(({ event }) => event === 'domain');
  expect(statements).toMatchObject([
    { domain: 'other.example.com', verdict: 'unknown' },
    { domain: DOMAIN, verdict: 'complete' },
  ]);
});

test('seal makes exactly the calls that its role allows', () => {
  const granted = ['BatchGetItem', 'DeleteItem', 'GetItem', 'GetObject', 'PutItem', 'PutObject', 'Query'];
  expect([...callsOfSeal].toSorted()).toEqual(granted);
});

test('prove interrupted at any call writes no certificate and changes nothing, and the next run writes it whole', async () => {
  const everything = async () => {
    const { Items } = await engines.table.client.send(new ScanCommand({ TableName: engines.table.name }));
    return { items: Items, objects: new Map(s3.objects) };
  };
  const before = await everything();
  const whole = new CrashableInvocation();
  await prove(RANGE, whole);
  expect(whole.points).toEqual([
    ...['signing.send', 'table.send', 'table.send', 'archive.send', 'archive.send', 'signing.send'],
  ]);
  const troubles = whole.points.flatMap((_, call) =>
    (['crash', 'fault'] as const).flatMap((kind) =>
      (['before', 'committed'] as const).map((moment): InjectedFailure => ({ call, kind, moment })),
    ),
  );

  const printed: string[] = [];
  for (const trouble of troubles) {
    const ended = prove(RANGE, new CrashableInvocation(trouble), { print: (line) => printed.push(line) });
    const ends = await ended.then(
      ({ exitCode }) => exitCode !== 0,
      (error: Error) => error.name === 'Crash' || error.message.endsWith('failed'),
    );
    expect(ends).toBe(true);
  }

  expect(printed).toEqual([]);
  expect(await everything()).toEqual(before);
  const again = JSON.parse((await prove(RANGE)).lines[0] ?? '') as SignedCertificate;
  expect(again.certificate).toEqual({ ...certificate.certificate, issuedAt: again.certificate.issuedAt });
  expect(await verify(again, '--archive', s3.url)).toMatchObject({ exitCode: 0, faults: [] });
});

test.each([
  { which: 'last', sequence: 2, to: 2, fault: /manifest 2 of .* is not the head that the table knows/ },
  { which: 'last of the range', sequence: 1, to: 1, fault: /manifest 2 of .* does not name the manifest before it/ },
])('prove signs nothing where the $which manifest is not the one that was sealed', async ({ sequence, to, fault }) => {
  const key = manifestKey(DOMAIN, sequence);
  const text = s3.objects.get(key) ?? Buffer.alloc(0);
  const { manifest } = parseManifest(text.toString()) as ChainLink;
  const forged = linkOf({ ...manifest, sealedAt: '2026-02-03T00:00:00.000Z' });
  s3.objects.set(key, Buffer.from(forged.text));
  try {
    const range = ['--from', String(SLICE_START), '--to', String(SLICE_START + to * SLICE_SECONDS)];
    const { exitCode, lines, errors } = await prove(range);
    expect([exitCode, lines, errors.join('\n')]).toEqual([1, [], expect.stringMatching(fault)]);
  } finally {
    s3.objects.set(key, text);
  }
});

test.each([
  { which: 'knows no head', noted: undefined },
  { which: 'has noted an earlier head', noted: 1 },
])('prove signs nothing where the table $which: nothing says what the last manifest was', async ({ noted }) => {
  const { client, name } = engines.table;
  const state = createSealStateRepository(engines.table);
  const head = (await state.readHead(DOMAIN)) as ChainHead;
  await client.send(new DeleteCommand({ TableName: name, Key: chainHeadKey(DOMAIN) }));
  if (noted !== undefined) await state.moveHead(DOMAIN, { sequence: noted, hash: 'of another manifest' });
  try {
    const { exitCode, lines, errors } = await prove(RANGE);
    const refused = expect.stringMatching(/has not noted the end of the chain of .*run prove again/);
    expect([exitCode, lines, errors.join('\n')]).toEqual([1, [], refused]);
  } finally {
    await state.moveHead(DOMAIN, head);
  }
});

test("the certificate's signature verifies as ES256 with a general JWS library", () => {
  const [header, payload, signature = ''] = certificate.jws.split('.');
  const options = { key: createPublicKey(certificate.publicKey), dsaEncoding: 'ieee-p1363' as const };
  const input = Buffer.from(`${header}.${payload}`);
  expect(input.length).toBeLessThan(4096);
  expect(verifySignature('sha256', input, options, Buffer.from(signature, 'base64url'))).toBe(true);
});

test('verify reports a range that is not sealed to its end as unknown, with its own exit code', async () => {
  const longer = JSON.parse(
    (await prove(['--from', String(SLICE_START), '--to', String(SLICE_START + DAY)])).lines[0] ?? '',
  );
  expect(await verify(longer)).toMatchObject({ exitCode: 3, faults: [] });
});

test.each<{ name: string; change: (copy: Certificate) => void; fault: RegExp }>([
  {
    name: 'a changed count',
    change: (copy) => Object.assign(copy.domains[0]?.chain[0]?.slice?.expected ?? {}, { delivered: 6 }),
    fault: /^manifest 2 of mg\.example\.com .* does not name the manifest before it/,
  },
  {
    name: 'a removed manifest',
    change: (copy) => copy.domains[0]?.chain.shift(),
    fault: /said to be complete, but its slices are unknown/,
  },
  {
    name: 'a truncated range',
    change: (copy) => Object.assign(copy, { to: new Date((SLICE_START + SLICE_SECONDS) * 1000).toISOString() }),
    fault: /^mg\.example\.com has slices 2 in its totals, but 1 in its slices/,
  },
  {
    name: 'a time that no date can hold',
    change: (copy) => Object.assign(copy.domains[0]?.chain[0] ?? {}, { end: Number.MAX_SAFE_INTEGER }),
    fault: /^manifest at place 1 of mg\.example\.com cannot be read/,
  },
  {
    name: 'something else than a manifest',
    change: (copy) => Object.assign(copy.domains[0]?.chain[0] ?? {}, { start: 'x', sequence: null }),
    fault: /^manifest at place 1 of mg\.example\.com cannot be read/,
  },
  {
    name: 'a longer range',
    change: (copy) => Object.assign(copy, { to: '2026-02-03T00:00:00.000Z' }),
    fault: /are unknown/,
  },
])('verify names $name, and that it was not signed', async ({ change, fault }) => {
  const copy = structuredClone(certificate);
  change(copy.certificate);

  for (const archive of [[], ['--archive', s3.url]]) {
    const { exitCode, faults } = await verify(copy, ...archive);

    expect(exitCode).toBe(1);
    expect(faults).toContainEqual(expect.stringMatching(fault));
    expect(faults).toContainEqual(expect.stringContaining('was changed after it was signed'));
  }
});

test('a chain signed again with another key is detected by the fingerprint', async () => {
  const { lines } = await verify(certificate);
  const fingerprint = (lines.at(-1) as { key: string }).key;
  expect(await verify(certificate, '--key', fingerprint)).toMatchObject({ exitCode: 0 });
  expect((await verify(certificate, '--key', 'ab'.repeat(32))).faults).toEqual([
    `signature is by the key ${fingerprint}, not by the one that is trusted`,
  ]);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
  expect((await verify({ ...certificate, publicKey: other })).faults).toEqual([
    'signature does not verify by the key in the certificate',
  ]);
});

test('a chain rebuilt with another count is consistent in itself, but fails against the trusted key or the archive', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forged = structuredClone(certificate.certificate);
  const [statement] = forged.domains;
  const links: ChainLink[] = [];
  for (const manifest of statement?.chain ?? []) {
    const slice = manifest.slice && { ...manifest.slice, missing: {}, expected: { delivered: 1 } };
    links.push(linkOf({ ...manifest, slice, previous: links.at(-1)?.hash ?? null }));
  }
  const range = { from: SLICE_START, to: SLICE_START + 2 * SLICE_SECONDS };
  forged.domains = [stateDomain(DOMAIN, links, range)];
  const publicKey = String(other.publicKey.export({ type: 'spki', format: 'pem' }));
  const signed = await signCertificate(forged, publicKey, async (message) => sign('sha256', message, other.privateKey));
  const trusted = ((await verify(certificate)).lines.at(-1) as { key: string }).key;

  expect(await verify(signed)).toMatchObject({ exitCode: 0, faults: [] });
  expect((await verify(signed, '--key', trusted)).faults).toEqual([
    expect.stringContaining('not by the one that is trusted'),
  ]);
  expect((await verify(signed, '--archive', s3.url)).faults).toEqual(
    expect.arrayContaining([expect.stringMatching(/^manifest 1 of .* differs in the archive/)]),
  );
});

test.each<{ name: string; copy: () => Promise<string> | string; fault: RegExp }>([
  { name: 'a removed object', copy: () => copyWith(OBJECT), fault: /0\.parquet is not in the archive/ },
  {
    name: 'a removed manifest',
    copy: () => copyWith(manifestKey(DOMAIN, 1)),
    fault: /^manifest 1 of .* is not in the archive/,
  },
  {
    name: 'a changed manifest',
    copy: () => copyWith(manifestKey(DOMAIN, 2), Buffer.from('{}')),
    fault: /^manifest 2 of .* differs in the archive/,
  },
  {
    name: 'bytes that are no Parquet',
    copy: () => copyWith(OBJECT, Buffer.from('no')),
    fault: /cannot be read as Parquet/,
  },
  {
    name: 'the same rows written again',
    copy: async () => copyWith(OBJECT, await objectWith((rows) => rows)),
    fault: /has other bytes than any manifest names/,
  },
  {
    name: 'swapped rows',
    copy: async () => copyWith(OBJECT, await objectWith((rows) => rows.toReversed())),
    fault: /^row delivered#id-5 .* is not in its place/,
  },
  {
    name: 'a changed event',
    copy: async () => {
      const changed = (row: ArchiveRow, nth: number) =>
        nth === 3 ? { ...row, event: row.event?.replace('250', '251') ?? null } : row;
      return copyWith(OBJECT, await objectWith((rows) => rows.map(changed)));
    },
    fault: /^row delivered#id-3 .* holds another event/,
  },
])('verify names $name in the archive', async ({ copy, fault }) => {
  const { exitCode, faults } = await verify(certificate, '--archive', await copy());
  expect(exitCode).toBe(1);
  expect(faults).toContainEqual(expect.stringMatching(fault));
});

test('verify of something that is not a certificate or archive is a usage error', async () => {
  expect(await verify({})).toMatchObject({ exitCode: 2 });
  expect(await verify(certificate, '--archive', join(folder, 'none'))).toMatchObject({ exitCode: 2 });
});

test('an event stored after sealing goes into a supplement, and older certificates stay valid', async () => {
  await store(99, SLICE_START + 1);
  await pass(0, EVENTS + 1);
  const found = await seal();
  expect(found).toMatchObject({ done: true });
  // The day of the slice is checked at once.
  await engines.table.client.send(new DeleteCommand({ TableName: engines.table.name, Key: sealPositionKey(DOMAIN) }));
  expect(await seal()).toMatchObject({ sealed: 1, rows: 1 });

  expect(await verify(certificate, '--archive', s3.url)).toMatchObject({ exitCode: 0, faults: [] });
  const newer = JSON.parse((await prove(RANGE)).lines[0] ?? '') as SignedCertificate;
  expect(await verify(newer, '--archive', s3.url)).toMatchObject({ exitCode: 0, faults: [] });
  expect(newer.certificate.domains[0]?.totals).toMatchObject({ slices: 2, expected: 8, archived: 8 });
});

test('erase removes a recipient from objects and old versions, and certificates from before and after stay valid', async () => {
  const recipient = 'reader-3@example.org';
  s3.loseReply();

  const first = await erase(recipient);
  const again = await erase(recipient);

  expect([first.exitCode, again.exitCode]).toEqual([0, 0]);
  const done = { event: 'archive', objects: 2, rewritten: 1, rows: 1, versions: 1, faults: 0 };
  expect(first.json()).toContainEqual(done);
  expect(again.json()).toContainEqual({ ...done, rewritten: 0, rows: 0, versions: 0 });
  const bytes = [...s3.objects.values(), ...[...s3.versions.values()].flatMap((old) => [...old.values()])];
  const rows = await Promise.all(bytes.filter((each) => each.subarray(0, 4).toString() === 'PAR1').map(rowsIn));
  expect(rows.flat().filter((row) => JSON.stringify(row).includes(recipient))).toEqual([]);
  expect(rows.flat().filter(({ salt }) => salt === null)).toHaveLength(1);
  expect(rows.flat()).toHaveLength(EVENTS + 1);
  const newer = JSON.parse((await prove(RANGE)).lines[0] ?? '') as SignedCertificate;
  for (const each of [certificate, newer]) {
    const { exitCode, faults, lines } = await verify(each, '--archive', s3.url);
    expect([exitCode, faults]).toEqual([0, []]);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'archive', erased: 1 }));
  }
  // Everything is sealed.
  expect(await seal()).toMatchObject({ sealed: 0, done: true });
});
