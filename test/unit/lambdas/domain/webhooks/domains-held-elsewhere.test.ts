import {
  encodeHeldElsewhere,
  parseHeldElsewhere,
} from '../../../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';

const domainsOf = (environment: string, count: number) =>
  Array.from({ length: count }, (_, nth) => `mail-${nth}.${environment}.example.com`);

test('a domain of another environment is found in any letter case', () => {
  const held = { staging: ['mg.Staging.example.com'], prod: ['mg.example.com', 'news.example.com'] };
  const holderOf = parseHeldElsewhere(encodeHeldElsewhere(held, 1000));

  expect(
    ['MG.staging.example.com', 'mg.example.com', 'news.example.com', 'example.com', ''].map((name) => holderOf(name)),
  ).toEqual(['staging', 'prod', 'prod', undefined, undefined]);
});

test("hundreds of domains fit into the space left in a function's environment", () => {
  const held = { prod: domainsOf('prod', 200), staging: domainsOf('staging', 200) };
  const text = encodeHeldElsewhere(held, 2600);
  const holderOf = parseHeldElsewhere(text);

  expect(text.length).toBeLessThanOrEqual(2600);
  expect(held.prod.every((name) => holderOf(name) === 'prod')).toBe(true);
  expect(held.staging.every((name) => holderOf(name) === 'staging')).toBe(true);
});

test('environments with the most domains are left out whole if not all fit', () => {
  const held = { large: domainsOf('large', 90), small: domainsOf('small', 3), none: [] };
  const text = encodeHeldElsewhere(held, 100);

  expect(text).toMatch(/^small=[\w-]{18}$/);
  expect(encodeHeldElsewhere(held, 10)).toBe('');
  expect(parseHeldElsewhere('')('mg.example.com')).toBeUndefined();
});
