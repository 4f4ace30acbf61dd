import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, CfnResource } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ACKNOWLEDGEMENTS } from '../../../../lib/checks/acknowledgements.ts';
import { checkPractices, pathOf, practices } from '../../../../lib/checks/practices.ts';
import { buildStack } from '../../../support/stacks/synthesized.ts';

/** All that a configuration can add to the stack; the linters of CI check it too. */
const EVERYTHING = {
  ...JSON.parse(readFileSync(join(import.meta.dirname, '../../../../.ci/everything.json'), 'utf8')),
  seal: { enabled: true, lockDays: 30, coldAfterDays: 90 },
  table: { pointInTimeRecovery: false, weeklyBackupDays: 35 },
  // Under CloudFront's own host name it breaks a rule more.
  customDomain: {},
};

/** `<rule> <path>` of each resource that breaks one, before anything is acknowledged. */
function findingsOf(stack: ReturnType<typeof buildStack>): string[] {
  return practices().flatMap((pack) =>
    pack
      .validateScope(stack)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(
          ({ constructPath = '' }) => `${ruleName} ${constructPath.slice(stack.node.id.length + 1)}`,
        ),
      ),
  );
}

const whole = buildStack('prod', EVERYTHING);
const paths = whole.node.findAll().flatMap((node) => (node instanceof CfnResource ? [pathOf(node)] : []));

describe('a cdk-nag rule', () => {
  test('is broken only where an acknowledgement says so', () => {
    const acknowledged = ACKNOWLEDGEMENTS.flatMap(({ rule, on }) =>
      paths.filter((path) => on.test(path)).map((path) => `${rule} ${path}`),
    );

    expect(findingsOf(whole).toSorted()).toEqual(acknowledged.toSorted());
  });

  test.each(ACKNOWLEDGEMENTS)('$rule is acknowledged for $on, which exists', ({ on, because }) => {
    expect(paths.some((path) => on.test(path))).toBe(true);
    expect(because.length).toBeGreaterThan(20);
  });

  test.each([
    ['dev', undefined],
    ['staging', undefined],
    ['prod', undefined],
    ['dev', { publish: EVERYTHING.publish, dashboard: EVERYTHING.dashboard }],
    ['prod', EVERYTHING],
    ['prod', { readApi: { jwt: { issuer: 'https://login.mailgun-ledger.internal/', audience: 'ledger' } } }],
  ])('has no unacknowledged finding in %s %j', (env, overlay) => {
    const stack = buildStack(env, overlay);

    checkPractices(stack.node.root as App, stack);

    expect(findingsOf(stack)).toEqual([]);
  });
});

describe('synth', () => {
  const exitCode = process.exitCode;
  afterEach(() => {
    process.exitCode = exitCode;
  });

  test('fails only on a finding that is not acknowledged', () => {
    const synth = (alter: (stack: ReturnType<typeof buildStack>) => void) => {
      const stack = buildStack('dev');
      alter(stack);
      checkPractices(stack.node.root as App, stack);
      return () => (stack.node.root as App).synth();
    };

    expect(synth(() => {})).not.toThrow();
    expect(synth((stack) => new Bucket(stack, 'Open'))).toThrow('Open/Resource');
  });
});
