import { Synthesized } from '../../../../support/stacks/synthesized.ts';

const stack = new Synthesized('prod', { domains: 'account', seal: { enabled: true }, publish: { enabled: true } });

test('with all domains of the account, the template names no domain, and functions read them from the table', () => {
  for (const name of ['Ingest', 'ReadApi', 'Reconcile', 'Seal', 'Publish']) {
    expect([name, stack.variablesOf(name).DOMAINS]).toEqual([name, 'account']);
  }
  expect(stack.variablesOf('Process').OF_ACCOUNT).toBe('yes');
  expect(stack.outputs.Domains?.Value).toBe('"account"');
  expect(JSON.stringify(stack.named('AWS::IAM::Policy', 'PublishFunction').Properties)).toContain('dynamodb:GetItem');
});

test('with all domains of the account, archive queries must name their domain', () => {
  const { Parameters } = stack.named('AWS::Glue::Table', 'Seal').Properties.TableInput;
  expect(Parameters['projection.domain.type']).toBe('injected');
  expect(Parameters).not.toHaveProperty(['projection.domain.values']);
});
