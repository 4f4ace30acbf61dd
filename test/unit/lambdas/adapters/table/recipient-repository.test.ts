import {
  changeOfOwner,
  olderRecipientKeys,
  statusFacts,
} from '../../../../../lambdas/adapters/table/recipient-repository.ts';
import { UNICODE_STATUS as OLD } from '../../../../support/stacks/first-release.ts';

const COMPOSED = 'jos\u00e9@b\u00fccher.example';
const DECOMPOSED = 'jose\u0301@bu\u0308cher.example';
const ON_THE_WIRE = 'jos\u00e9@xn--bcher-kva.example';

test.each([
  ['composed', COMPOSED],
  ['decomposed', DECOMPOSED],
  ['Punycode', ON_THE_WIRE],
  ['upper case', COMPOSED.toUpperCase()],
  ['display name', `Jos\u00e9 <${COMPOSED}>`],
])('the %s spelling leads to every key of an older version, and not to the current one', (_, recipient) => {
  const keys = olderRecipientKeys(recipient);

  expect(keys).toEqual(expect.arrayContaining([COMPOSED, DECOMPOSED]));
  expect(keys).not.toContain(ON_THE_WIRE);
});

test('a Unicode domain is found by an ASCII spelling of it', () => {
  expect(olderRecipientKeys('ada@xn--bcher-kva.example')).toContain('ada@b\u00fccher.example');
});

test.each(['ada@example.org', 'Ada+News@Example.ORG', 'no address', '', '@'])(
  '%j had the same key in every version',
  (recipient) => {
    expect(olderRecipientKeys(recipient)).toEqual([]);
  },
);

const [ADDRESS, DOMAIN] = ['ada@example.org', 'mg.example.com'];
const KEY = { pk: `MSG#1@${DOMAIN}`, sk: `R#${ADDRESS}#STATUS` };
const ORDER = { order: '40#8230000009876#failed#1' };
const TOLD = { status: 'FAILED', reason: null, statusAtMs: 1_769_999_990_123, decidedBy: 'failed#1' };

test.each([
  ['as in its keys', KEY, ADDRESS, DOMAIN, []],
  ['spelled otherwise', KEY, 'Ada@Example.org', DOMAIN, ['recipient']],
  ['of another domain than the message id', KEY, ADDRESS, 'news.example.com', ['#domain']],
  ['of a domain in capitals', { ...KEY, pk: 'MSG#1@MG.example.com' }, ADDRESS, DOMAIN, ['#domain']],
  ['of no message', { ...KEY, pk: `NOMSG#${DOMAIN}#2026-02-02` }, ADDRESS, DOMAIN, ['#domain']],
  ['of a message id that is hashed', { ...KEY, pk: `MSG#sha256:${'0'.repeat(64)}` }, ADDRESS, DOMAIN, ['#domain']],
  ['of no recipient', { ...KEY, sk: 'R#-#STATUS' }, '', DOMAIN, ['recipient']],
])(
  'the owner of a status is stored only if its keys do not imply it, and is read back: %s',
  (_name, key, recipient, domain, kept) => {
    const { set, remove, values } = changeOfOwner(key, recipient, domain);
    expect(set.map((each) => each.split(' = ')[0])).toEqual(kept);
    expect([...remove, ...kept].toSorted()).toEqual(['#domain', 'recipient']);
    const stored = Object.fromEntries(Object.entries(values).map(([name, value]) => [name.slice(1), value]));
    expect(statusFacts({ ...key, ...ORDER, ...stored })).toEqual({ ...TOLD, recipient, domain });
  },
);

test('explicit fields of an earlier item win over its keys and order', () => {
  const { domain: _older, ...older } = OLD;
  const facts = { ...TOLD, status: 'DELIVERED', decidedBy: OLD.decidedBy, recipient: OLD.recipient };
  expect(statusFacts(OLD)).toEqual({ ...facts, domain: OLD.domain });
  expect(statusFacts(older)).toEqual({ ...facts, domain: undefined });
  expect(statusFacts({ ...OLD, ...ORDER, status: null, reason: 'x' })).toMatchObject({ status: null, reason: 'x' });
});
