import {
  type Certificate,
  checkCertificate,
  judgeRange,
  stateDomain,
  statementOf,
} from '../../../../../lambdas/domain/archive/certificate.ts';
import { checkChain } from '../../../../../lambdas/domain/archive/chain.ts';
import {
  type ChainLink,
  linkOf,
  type Manifest,
  parseManifest,
} from '../../../../../lambdas/domain/archive/manifest.ts';
import { canonicalJson } from '../../../../../lambdas/domain/canonical-json.ts';
import { archiveRow, chainOf, figures, SLICE_SECONDS, SLICE_START } from '../../../../support/archive/archive.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';

const ROWS = [0, 1, 2, 3].map((slice) => [1, 2].map((nth) => archiveRow(nth, {}, SLICE_START + slice * SLICE_SECONDS)));
const LINKS = chainOf(ROWS);
const RANGE = { from: SLICE_START, to: SLICE_START + 4 * SLICE_SECONDS };
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

function certificate(links: readonly ChainLink[] = LINKS, range = RANGE): Certificate {
  const domains = [stateDomain(DOMAIN, links, range)];
  return { v: 1, ledger: 'dev', from: iso(range.from), to: iso(range.to), issuedAt: iso(range.to), domains };
}

/** The certificate as someone changed it who cannot sign. */
function altered(change: (copy: Certificate) => void): Certificate {
  const copy = structuredClone(certificate());
  change(copy);
  return copy;
}

const chainIn = (copy: Certificate) => copy.domains[0]?.chain as Manifest[];
const textsOf = (links: readonly ChainLink[]) => links.map(({ text }) => text);

test('a certificate of settled slices without a gap is complete and valid', () => {
  expect(certificate().domains[0]).toMatchObject({
    verdict: 'complete',
    totals: { slices: 4, expected: 8, missing: 0, unconfirmed: 0, archived: 8 },
  });
  expect(checkCertificate(certificate())).toEqual([]);
});

test.each<{ name: string; change: (copy: Certificate) => void; where: string; what: RegExp }>([
  {
    name: 'a changed count',
    change: (copy) => Object.assign(chainIn(copy)[1]?.slice?.expected ?? {}, { delivered: 1 }),
    where: 'manifest 3 of mg.example.com (slice 2026-02-02T03:00:00.000Z, number 0)',
    what: /does not name the manifest before it/,
  },
  {
    name: 'a changed count of the last slice',
    change: (copy) => Object.assign(chainIn(copy)[3]?.slice?.expected ?? {}, { delivered: 1 }),
    where: 'manifest 4 of mg.example.com (slice 2026-02-02T03:15:00.000Z, number 0)',
    what: /is not the head/,
  },
  {
    name: 'a removed manifest',
    change: (copy) => chainIn(copy).splice(1, 1),
    where: 'manifest 3 of mg.example.com (slice 2026-02-02T03:00:00.000Z, number 0)',
    what: /manifest 2 is missing before it/,
  },
  {
    name: 'a range that was cut short behind its verdict',
    change: (copy) => chainIn(copy).pop(),
    where: DOMAIN,
    what: /is said to be complete, but its slices are unknown/,
  },
  {
    name: 'a changed total',
    change: (copy) => Object.assign(copy.domains[0]?.totals ?? {}, { missing: 5 }),
    where: DOMAIN,
    what: /missing 5 in its totals, but 0 in its slices/,
  },
  {
    name: 'an object of another slice',
    change: (copy) => Object.assign(chainIn(copy)[3]?.object ?? {}, { key: chainIn(copy)[2]?.object?.key }),
    where: 'manifest 4 of mg.example.com (slice 2026-02-02T03:15:00.000Z, number 0)',
    what: /belongs elsewhere/,
  },
  {
    name: 'a chain of another domain',
    change: (copy) => Object.assign(chainIn(copy)[3] ?? {}, { domain: 'other.example' }),
    where: 'manifest 4 of other.example (slice 2026-02-02T03:15:00.000Z, number 0)',
    what: /belongs to another chain/,
  },
  {
    name: 'a range without time',
    change: (copy) => Object.assign(copy, { to: copy.from }),
    where: 'certificate',
    what: /no range/,
  },
])('checkCertificate names $name', ({ change, where, what }) => {
  const tampered = altered(change);

  expect(checkCertificate(tampered)).toContainEqual({ where, what: expect.stringMatching(what) });
  expect(statementOf(tampered).sha256).not.toBe(statementOf(certificate()).sha256);
});

describe('judgeRange', () => {
  const judged = (over: Partial<Manifest>, nth = 1) => {
    const chain = LINKS.map(({ manifest }) => manifest);
    chain[nth] = { ...(chain[nth] as Manifest), ...over };
    return judgeRange(chain, RANGE).verdict;
  };
  test.each([
    ['incomplete', { slice: figures(2, { state: 'open', missing: { delivered: 1 } }) }],
    ['incomplete', { slice: figures(2, { state: 'short', short: 1 }) }],
    ['unknown', { slice: figures(2, { state: 'unlisted' }) }],
    ['unknown', { end: SLICE_START + 2 * SLICE_SECONDS - 1 }],
  ] as const)('is %s where a slice is %j', (verdict, over) => {
    expect(judged(over)).toBe(verdict);
  });

  test('is unknown where the range reaches beyond what is sealed', () => {
    const chain = LINKS.map(({ manifest }) => manifest);
    expect(judgeRange(chain, { ...RANGE, to: RANGE.to + 1 }).verdict).toBe('unknown');
    expect(judgeRange(chain, { ...RANGE, from: RANGE.from - 1 }).verdict).toBe('unknown');
    expect(judgeRange([], RANGE).verdict).toBe('unknown');
  });

  test('sums the latest figures of a slice and the rows of all its objects', () => {
    const last = LINKS[3] as ChainLink;
    const supplement = linkOf({
      ...last.manifest,
      sequence: 5,
      previous: last.hash,
      start: SLICE_START,
      end: SLICE_START + SLICE_SECONDS,
      number: 1,
      object: null,
      slice: figures(3),
    });
    const { totals, verdict } = judgeRange(
      [...LINKS, supplement].map(({ manifest }) => manifest),
      RANGE,
    );
    expect(verdict).toBe('complete');
    expect(totals).toMatchObject({ slices: 4, expected: 9, archived: 8 });
    expect(checkChain(DOMAIN, textsOf([...LINKS, supplement])).faults).toEqual([]);
  });
});

describe('checkChain', () => {
  test('reports a text that is not a manifest', () => {
    const texts = textsOf(LINKS);
    texts[2] = '{"v":1}';
    expect(checkChain(DOMAIN, texts).faults[0]).toEqual({
      where: 'manifest at place 3 of mg.example.com',
      what: 'cannot be read',
    });
  });

  test('reports a slice that is sealed twice', () => {
    const last = LINKS[3] as ChainLink;
    const twice = linkOf({ ...last.manifest, sequence: 5, previous: last.hash });
    expect(checkChain(DOMAIN, textsOf([...LINKS, twice])).faults).toEqual([
      expect.objectContaining({ what: 'follows number 0' }),
    ]);
  });

  test('accepts a rewrite with the same root, and reports one with another', () => {
    const last = LINKS[3] as ChainLink;
    const rewrite = (root: string) =>
      linkOf({ ...last.manifest, kind: 'rewrite', slice: null, sequence: 5, previous: last.hash, root });
    expect(checkChain(DOMAIN, textsOf([...LINKS, rewrite(last.manifest.root)])).faults).toEqual([]);
    expect(checkChain(DOMAIN, textsOf([...LINKS, rewrite('ab'.repeat(32))])).faults).toEqual([
      expect.objectContaining({ what: 'has another root than what it rewrites' }),
    ]);
  });
});

test('a manifest is read back as written, and its hash is that of its bytes', () => {
  const { manifest, text, hash } = LINKS[1] as ChainLink;
  expect(parseManifest(text)).toEqual({ manifest, text, hash });
  expect(parseManifest(canonicalJson({ ...manifest, previous: null }))).toBeUndefined();
  expect(parseManifest(canonicalJson({ ...manifest, slice: null }))).toBeUndefined();
  expect(parseManifest(canonicalJson({ ...manifest, v: 2 }))).toBeUndefined();
  expect(parseManifest('[]')).toBeUndefined();
  expect(parseManifest(canonicalJson({ ...manifest, end: 8_640_000_000_001 }))).toBeUndefined();
});

test('a manifest of an earlier version, with fewer counts, is read and certified', () => {
  const { altered: _altered, polled: _polled, ...slice } = figures(2);
  const [link] = chainOf([ROWS[0] ?? []], { slice: slice as Manifest['slice'] }) as [ChainLink];

  expect(parseManifest(link.text)?.manifest).toEqual(link.manifest);
  const range = { from: SLICE_START, to: SLICE_START + SLICE_SECONDS };
  expect(judgeRange([link.manifest], range)).toMatchObject({
    verdict: 'complete',
    totals: { missing: 0, expected: 2 },
  });
});
