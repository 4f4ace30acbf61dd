import { NO_TARGETS } from '../../../../../lambdas/contract.ts';
import { alarmNotice } from '../../../../../lambdas/domain/notify/alarm-notice.ts';
import { parseTargets, requestOf } from '../../../../../lambdas/domain/notify/targets.ts';

const about = { subject: 'Budget', severity: 'page', at: '2026-11-28T10:00:00.000Z' } as const;

describe('the targets of a secret', () => {
  test('are none in the placeholder', () => {
    expect(parseTargets(NO_TARGETS)).toEqual([]);
  });

  test.each([
    { url: 'https://hooks.slack.com/services/T0/B0/x', kind: 'slack' },
    { url: 'https://prod-01.westeurope.logic.azure.com/workflows/x', kind: 'teams' },
    { url: 'https://x.01.environment.api.powerplatform.com/powerautomate/x', kind: 'teams' },
    { url: 'https://events.eu.pagerduty.com/v2/enqueue', kind: 'pagerduty' },
    { url: 'https://api.eu.opsgenie.com/v2/alerts', kind: 'opsgenie' },
    { url: 'https://alerts.example.com/', given: 'opsgenie', kind: 'opsgenie' },
  ])('with $url is of kind $kind', ({ url, given, kind }) => {
    const text = JSON.stringify([{ url, key: 'k', ...(given && { kind: given }) }]);
    expect(parseTargets(text)).toEqual([{ kind, url, key: 'k', severities: ['page', 'ticket'] }]);
  });

  test.each([
    { text: '{', error: 'the targets of notices are not a JSON list' },
    { text: '{"url":"https://a.slack.com"}', error: 'the targets of notices are not a JSON list' },
    { text: '["https://a.slack.com"]', error: 'target 1 is not an object' },
    { text: '[{"url":"http://hooks.slack.com/secret"}]', error: 'target 1 has no https url' },
    { text: '[{"url":"https://notslack.com/secret"}]', error: 'target 1 needs a kind, one of slack, teams' },
    { text: '[{"url":"https://slack.com.evil.example/","kind":"mail"}]', error: 'target 1 needs a kind' },
    { text: '[{"url":"https://events.pagerduty.com/v2/enqueue"}]', error: 'target 1 needs a key' },
    { text: '[{"url":"https://a.slack.com","severities":["all"]}]', error: 'target 1 has severities other than' },
    { text: '[{"url":"https://a.slack.com","severities":[]}]', error: 'target 1 has severities other than' },
  ])('are refused without a quote if they are $text: $error', ({ text, error }) => {
    expect(() => parseTargets(text)).toThrow(error);
    expect(() => parseTargets(text)).not.toThrow('secret');
  });
});

test('a target at Opsgenie is authorized by its key, and closes an alert by its alias', () => {
  const [target] = parseTargets('[{"url":"https://api.opsgenie.com/v2/alerts","key":"k"}]');
  const message = (state: string) => JSON.stringify({ AlarmName: 'a/b', NewStateValue: state });
  const [open, close] = ['ALARM', 'OK'].map((state) => requestOf(alarmNotice(message(state), about), target as never));

  expect(open).toMatchObject({ url: 'https://api.opsgenie.com/v2/alerts', headers: { authorization: 'GenieKey k' } });
  expect(close?.url).toBe('https://api.opsgenie.com/v2/alerts/a%2Fb/close?identifierType=alias');
});
