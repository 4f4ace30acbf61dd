import { type RegisteredWebhook, webhookDrift } from '../../../../../lambdas/domain/webhooks/webhook-drift.ts';

const OWN = 'https://hooks.example.com/webhooks/mailgun';
const OTHER = 'https://crm.example.net/mailgun';
const at = (level: RegisteredWebhook['level'], url: string, type = 'delivered') => ({ level, type, url });
const three = [1, 2, 3].map((n) => at('domain', `https://${n}.example.net/`));
const foreign = (url: string) => ({ kind: 'foreign', type: 'delivered', level: 'domain', url });

test.each<[name: string, registered: RegisteredWebhook[], wanted: string[], expected: object[]]>([
  ['registered for the domain', [at('domain', OWN)], ['delivered'], []],
  ['registered for the account', [at('account', OWN)], ['delivered'], []],
  [
    'nothing',
    [],
    ['delivered', 'opened'],
    [
      { kind: 'missing', type: 'delivered' },
      { kind: 'missing', type: 'opened' },
    ],
  ],
  [
    'at both levels',
    [at('account', OWN), at('domain', OWN)],
    ['delivered'],
    [{ kind: 'double', type: 'delivered', level: 'domain' }],
  ],
  [
    'another spelling, which gets a copy of its own',
    [at('domain', OWN), at('domain', 'https://HOOKS.example.com:443/webhooks/mailgun/')],
    ['delivered'],
    [{ kind: 'double', type: 'delivered', level: 'domain', url: 'https://HOOKS.example.com:443/webhooks/mailgun/' }],
  ],
  ['another receiver', [at('domain', OWN), at('domain', OTHER)], ['delivered'], [foreign(OTHER)]],
  [
    'another receiver for the account, without this stack',
    [at('account', OTHER)],
    ['delivered'],
    [
      { kind: 'missing', type: 'delivered' },
      { kind: 'foreign', type: 'delivered', level: 'account', url: OTHER },
    ],
  ],
  [
    'three others',
    three,
    ['delivered'],
    [{ kind: 'no-room', type: 'delivered' }, ...three.map(({ url }) => foreign(url))],
  ],
  [
    'a type that is not wanted',
    [at('domain', OWN), at('domain', OWN, 'opened')],
    ['delivered'],
    [{ kind: 'unwanted', type: 'opened', level: 'domain' }],
  ],
])('the drift of registered webhooks: %s', (_name, registered, wanted, expected) => {
  expect(webhookDrift(registered, OWN, wanted)).toEqual(expected);
});
