import { driftFixes } from '../../../../../cli/commands/webhooks/registry.ts';

const run = (command: string) => `ledger ${command} --local`;

test('webhooks check prints each step once, those against late events first, and doubtful ones with a prompt', () => {
  const fixes = driftFixes(
    [
      { kind: 'foreign', type: 'opened', level: 'domain', url: 'https://other.example.com/?a=1&b=2' },
      { kind: 'foreign', type: 'clicked', level: 'domain', url: 'https://other.example.com/?a=1&b=2' },
      { kind: 'unwanted', type: 'clicked', level: 'domain' },
      { kind: 'missing', type: 'failed' },
      { kind: 'missing', type: 'delivered' },
    ],
    run,
  );

  expect(fixes).toEqual([
    'first, since events of these types come late: ledger webhooks sync --local',
    'delete it at Mailgun, or add the type to eventTypes in cdk.json',
    "if it belongs at no domain: ledger webhooks sync --local --remove 'https://other.example.com/?a=1&b=2'",
  ]);
});

test('webhooks check removes a second spelling by its URL, and a second registration at the account', () => {
  const double = { kind: 'double', type: 'opened', level: 'domain' } as const;
  expect(driftFixes([{ ...double, url: 'https://own.example.com/mailgun/' }, double], run)).toEqual([
    'ledger webhooks sync --yes --local --remove https://own.example.com/mailgun/',
    'ledger webhooks sync --local --account, or delete one of the two at Mailgun',
  ]);
});
