import { UNSET_API_KEY, UNSET_SIGNING_KEYS } from '../../../../lambdas/contract.ts';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

const dev = new Synthesized('dev');
const prod = new Synthesized('prod');

describe('the secrets', () => {
  test('deploy the signing keys as the placeholder that names no key, the same in every environment', () => {
    for (const environment of [dev, prod]) {
      const secret = environment.named('AWS::SecretsManager::Secret', 'SecretsSigningKeys').Properties;
      expect(secret.SecretString).toBe(UNSET_SIGNING_KEYS);
      expect(secret.GenerateSecretString).toBeUndefined();
    }
  });

  test('deploy the API key as the placeholder that turns reconciliation off', () => {
    for (const environment of [dev, prod]) {
      const secret = environment.named('AWS::SecretsManager::Secret', 'SecretsApiKey').Properties;
      expect(secret.SecretString).toBe(UNSET_API_KEY);
      expect(secret.GenerateSecretString).toBeUndefined();
      expect(JSON.parse(UNSET_API_KEY)).not.toHaveProperty('apiKey');
    }
  });

  test.each(['SecretsApiToken', 'SecretsErasureKey', 'PublishSubjectKey'])(
    'generate the %s, 48 characters without punctuation',
    (name) => {
      const secret = prod.named('AWS::SecretsManager::Secret', name).Properties;

      expect(secret.GenerateSecretString).toEqual({ PasswordLength: 48, ExcludePunctuation: true });
      expect(secret.SecretString).toBeUndefined();
    },
  );
});
