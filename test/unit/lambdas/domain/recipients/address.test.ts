import {
  addressesIn,
  bareAddress,
  mailboxOf,
  withoutMailbox,
} from '../../../../../lambdas/domain/recipients/address.ts';

const COMPOSED = 'm\u00fcller@b\u00fccher.example';
const DECOMPOSED = 'mu\u0308ller@bu\u0308cher.example';
const ON_THE_WIRE = 'm\u00fcller@xn--bcher-kva.example';

describe('the canonical spelling of an address', () => {
  test.each([
    ['case', 'Ada@Example.ORG', 'ada@example.org'],
    ['a display name', 'Ada L. <Ada@example.org>', 'ada@example.org'],
    ['a quoted display name with a comma', '"Lovelace, Ada" <ada@example.org>', 'ada@example.org'],
    ['composed characters', COMPOSED, ON_THE_WIRE],
    ['decomposed characters', DECOMPOSED, ON_THE_WIRE],
    ['Punycode in upper case', 'M\u00dcLLER@XN--BCHER-KVA.example', ON_THE_WIRE],
  ])('does not depend on its %s', (_name, text, mailbox) => {
    expect(mailboxOf(text)).toBe(mailbox);
  });

  test.each([
    ['a domain that a URL takes for an IP address', 'a@1.2', 'a@1.2'],
    ['a domain that is none', 'a@b c\u00fc', 'a@b c\u00fc'],
    ['no address', 'Undisclosed Recipients', 'undisclosed recipients'],
    ['a quoted local part with an @', '"a@b"@Example.org', '"a@b"@example.org'],
    ['two addresses in brackets', 'x <a@b.example> <c@d.example>', 'x <a@b.example> <c@d.example>'],
  ])('keeps %s', (_name, text, mailbox) => {
    expect(mailboxOf(text)).toBe(mailbox);
  });
});

test.each([
  ['a bare address', 'ada@example.org', ['ada@example.org']],
  ['a name with a comma', '"Hopper, Grace" <grace@example.org>', ['grace@example.org']],
  ['a name with an escaped quote', '"G. \\"Amazing\\", H" <g@example.org>', ['g@example.org']],
  ['a quoted local part', '"grace hopper"@example.org', ['"grace hopper"@example.org']],
  [
    'several',
    'Ada <ada@example.org>, bob@example.org;"C" <o\'c@example.org>',
    ['ada@example.org', 'bob@example.org', "o'c@example.org"],
  ],
  ['a group', 'Team: ada@example.org, bob@example.org;', ['ada@example.org', 'bob@example.org']],
  ['words around an address', 'to ada@example.org please', []],
  ['no address', 'Ada', []],
  ['nothing', '', []],
])('addressesIn: %s', (_name, header, addresses) => {
  expect(addressesIn(header)).toEqual(addresses);
});

describe('in every text of up to six characters with a meaning, the same is read as by one expression, which takes quadratic time', () => {
  /** Returns all texts of these characters, up to a length. */
  const textsOf = (characters: string, length: number): string[] =>
    length === 0
      ? ['']
      : ['', ...textsOf(characters, length - 1).flatMap((text) => [...characters].map((c) => text + c))];

  test('as the address in brackets', () => {
    const named = /^[^<>]*<\s*([^<>\s][^<>]*@[^<>\s]+)\s*>$/;
    const texts = textsOf('<>@ a', 6).map((text) => `<a${text}`);
    expect(texts.filter((text) => bareAddress(text) !== text).length).toBeGreaterThan(100);
    expect(texts.filter((text) => bareAddress(text) !== (named.exec(text.trim())?.[1] ?? text))).toEqual([]);
  });

  test('as the addresses of a list', () => {
    const part = /(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^",;<>])+/gs;
    const inOne = (list: string) => (list.match(part) ?? []).flatMap((each) => addressesIn(each));
    const lists = textsOf('"\\,<>', 6).map((text) => `${text}a@b${text}`);
    expect(lists.filter((list) => addressesIn(list).length > 0).length).toBeGreaterThan(100);
    expect(lists.filter((list) => String(addressesIn(list)) !== String(inOne(list)))).toEqual([]);
  });
});

describe('replacing an address in a text', () => {
  const without = (text: string, address = 'brien@example.org') => withoutMailbox(text, address, 'erased');

  test.each([...".!#$%&'*+-/=?^_`{|}~", 'o', '\u00fc'])(
    'does not change an address with %s before the match',
    (character) => {
      const other = `o${character}brien@example.org`;
      expect(without(`<${other}> and ${other}`)).toBe(`<${other}> and ${other}`);
    },
  );

  test('changes an address at the end of a long URL', () => {
    const url = `https://example.org/${'path/'.repeat(200)}?to=`;
    expect(without(`${url}brien@example.org`)).toBe(`${url}erased`);
  });

  test.each(['brien@example.org.uk', 'brien@example.orgs', 'brien@example.org-x', 'brien@sub.example.org'])(
    'does not change an address at the other domain %s',
    (other) => {
      expect(without(other)).toBe(other);
    },
  );

  test.each([
    ['in brackets', '<brien@example.org>', '<erased>'],
    ['after a colon', 'mailto:BRIEN@example.org', 'mailto:erased'],
    ['before the end of a sentence', 'Mail brien@example.org.', 'Mail erased.'],
    ['in single quotes', "550 'brien@example.org' unknown", "550 'erased' unknown"],
    ['in backquotes', '`brien@example.org`', '`erased`'],
    [
      'in the query of a URL',
      'https://x.example/?a=1&to=brien@example.org&b=2',
      'https://x.example/?a=1&to=erased&b=2',
    ],
    ['in the path of a URL', 'https://x.example/u/brien@example.org/off', 'https://x.example/u/erased/off'],
    ['twice', 'brien@example.org,brien@example.org', 'erased,erased'],
  ])('replaces an address %s', (_name, text, expected) => {
    expect(without(text)).toBe(expected);
  });

  test('handles an apostrophe in the address', () => {
    expect(without("'o'brien@example.org', https://x.example/?to=o'brien@example.org", "o'brien@example.org")).toBe(
      "'erased', https://x.example/?to=erased",
    );
  });

  test('replaces every spelling of the mailbox', () => {
    for (const spelling of [COMPOSED, DECOMPOSED, ON_THE_WIRE]) {
      expect(without(`${COMPOSED} ${DECOMPOSED} ${ON_THE_WIRE}`, spelling)).toBe('erased erased erased');
    }
  });

  test('replaces a quoted address', () => {
    expect(without('<"a b"@example.org> c"a b"@example.org', '"A B"@example.org')).toContain('<erased>');
  });
});
