import { SecretValue } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { UNSET_API_KEY, UNSET_SIGNING_KEYS } from '../../lambdas/contract.ts';
import { removalOf } from './removal.ts';

/**
 * The secrets: Mailgun's signing keys and API key, set by an operator; the read API's token and the
 * keys of erasures and subjects, generated.
 */
export class Secrets extends Construct {
  readonly signingKeys: Secret;
  readonly apiKey: Secret;
  readonly apiToken: Secret;
  readonly erasureKey: Secret;
  /** There with publishing off too: switched on again it must not change every subject. */
  readonly subjectKey: Secret;

  constructor(scope: Construct, id: string, props: { readonly protectData: boolean }) {
    super(scope, id);
    const removalPolicy = removalOf(props);
    this.signingKeys = new Secret(this, 'SigningKeys', {
      description: 'Mailgun HTTP webhook signing keys: {"current","previous"?,"parent"?}',
      // Not a secret but a placeholder. It never changes, so CloudFormation never writes over the keys put later.
      secretStringValue: SecretValue.unsafePlainText(UNSET_SIGNING_KEYS),
      removalPolicy,
    });
    this.apiKey = new Secret(this, 'ApiKey', {
      description: 'Mailgun API key that may read events: {"apiKey"}',
      // A placeholder as well; reconciliation is off until a key is put.
      secretStringValue: SecretValue.unsafePlainText(UNSET_API_KEY),
      removalPolicy,
    });
    this.apiToken = new Secret(this, 'ApiToken', {
      description: 'Bearer token of the read API',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy,
    });
    this.erasureKey = new Secret(this, 'ErasureKey', {
      description: 'Hashes the addresses of erased recipients; never change it, or they are forgotten as erased',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy,
    });
    this.subjectKey = new Secret(this, 'SubjectKey', {
      description:
        'Makes the subjects of published events unguessable; receivers know rows by them, so it never changes',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy,
    });
  }
}
