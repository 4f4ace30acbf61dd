import { testEvent } from '../../../../../cli/commands/send-test.ts';
import { isTestSample } from '../../../../../lambdas/domain/webhooks/test-sample.ts';
import { testButtonEvent } from '../../../../../tools/mailgun-twin/api/test-button.ts';
import { deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const button = testButtonEvent('mg.example.com') as never as Record<string, string>;

test.each([
  ['what the test button sends', button, true],
  ['what send-test sends', testEvent('mg.example.com'), true],
  ['the sample for another recipient', { ...button, recipient: 'ada@example.org' }, false],
  ['the sample at another time', { ...button, timestamp: 1_770_000_000 }, false],
  ['the test event under the id of a mail', { ...testEvent('mg.example.com'), message: button.message }, false],
  ['the test event of today', { ...testEvent('mg.example.com'), timestamp: 1_770_000_000 }, false],
  ['an event like any other', deliveredEvent(), false],
])('isTestSample: %s', (_name, event, isSample) => {
  expect(isTestSample(event as never)).toBe(isSample);
});
