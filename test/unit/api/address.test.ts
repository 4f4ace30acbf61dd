import { parseAddress } from '../../../api/address.ts';

test.each([
  ['ada@example.org', 'ada@example.org'],
  [' Ada@Example.org ', 'Ada@Example.org'],
  ['<ada@example.org>', 'ada@example.org'],
  ['Ada <ada@example.org>', 'ada@example.org'],
  ['"Hopper, Grace" <grace@example.org>', 'grace@example.org'],
  ['"a > b" <ada@example.org>', 'ada@example.org'],
  ['ada news@example.org', 'ada+news@example.org'],
  ['ada+news@example.org', 'ada+news@example.org'],
  ['"ada lovelace"@example.org', '"ada lovelace"@example.org'],
  ['"a@b"@example.org', '"a@b"@example.org'],
  ['"a\\"b"@example.org', '"a\\"b"@example.org'],
  ["o'brien@example.org", "o'brien@example.org"],
  ['a/b?c#d%e@example.org', 'a/b?c#d%e@example.org'],
  ['user@[127.0.0.1]', 'user@[127.0.0.1]'],
  ['user@[IPv6:2001:db8::1]', 'user@[IPv6:2001:db8::1]'],
  ['a,b@example.org', 'a,b@example.org'],
  ['Ada <a,b@example.org>', 'a,b@example.org'],
  ['a;b:c(d)[e]\\f@example.org', 'a;b:c(d)[e]\\f@example.org'],
  ['"Hopper, Grace" <g h@example.org>', 'g+h@example.org'],
  ['über@müller.example', 'über@müller.example'],
])('%s is accepted as the address %s', (text, address) => {
  expect(parseAddress(text)).toBe(address);
});

test.each([
  '',
  '-',
  'undefined',
  'ada',
  'ada@',
  '@example.org',
  'ada@@example.org',
  'a@b@example.org',
  'ada@example.org, bob@example.org',
  'Ada <ada@example.org>, Bob <bob@example.org>',
  'Ada <ada>',
  'Ada <>',
  'Ada <ada@example.org> x',
  'ada@example.org (Ada)',
  'mailto:ada@example.org',
  'MAILTO:ada@example.org',
  'Hopper, grace@example.org',
  'To: ada@example.org',
  'ada@[127.0.0.1',
  'ada@[]',
  'ada@[127.0.0.1]x',
  'ada@exam ple.org',
  'ada\u0000@example.org',
])('%j is refused as an address', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});
