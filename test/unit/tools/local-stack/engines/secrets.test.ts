import { generateSecret } from '../../../../../tools/local-stack/engines/secrets.ts';

test('a generated secret has 32 characters with one of each kind', () => {
  const secret = generateSecret({});

  expect(secret).toHaveLength(32);
  for (const kind of [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/]) expect(secret).toMatch(kind);
});

test('length and excluded kinds are honoured', () => {
  expect(generateSecret({ PasswordLength: 48, ExcludePunctuation: true })).toMatch(/^[a-zA-Z0-9]{48}$/);
  expect(generateSecret({ ExcludeUppercase: true, ExcludeNumbers: true, ExcludeCharacters: '"\\' })).toMatch(
    /^[^A-Z0-9"\\]{32}$/,
  );
});

test('a template gets the secret under its key', () => {
  const secret = generateSecret({ SecretStringTemplate: '{"user":"ledger"}', GenerateStringKey: 'password' });

  expect(JSON.parse(secret)).toEqual({ user: 'ledger', password: expect.stringMatching(/^.{32}$/) });
});
