import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { event } from '@pagerduty/pdjs/build/src/events.js';
import type { KnownBlock } from '@slack/types';
import { alarmDescription } from '../../../../../lambdas/domain/alarm-description.ts';
import { type AlarmNotice, alarmNotice } from '../../../../../lambdas/domain/notify/alarm-notice.ts';
import {
  opsgenieAlert,
  pagerDutyEvent,
  slackMessage,
  teamsMessage,
} from '../../../../../lambdas/domain/notify/services.ts';

// Requests to each service, in golden files, checked against what its vendor publishes: Slack's and PagerDuty's types
// when this file is compiled, Microsoft's own parser of cards, and the limits in Opsgenie's documentation.

const GOLDEN = join(import.meta.dirname, '../../../../support/fixtures/notices');

const TEXT = {
  happened: 'A receiver responded 410 or failed for days, and is disabled.',
  impact: 'The application behind it learns of no bounce & <complaint> until it is enabled.',
  explains: ['deliveries-dead'],
  recovered: 'No delivery waits for a disabled receiver.',
  runbook: 'https://git.example.com/mail/runbook.md#receiver-disabled',
  first: 'npm run ledger -- receivers list --env prod',
};
const messageOf = (state: string, over: object = {}, text = TEXT) =>
  JSON.stringify({
    AlarmName: 'mailgun-ledger-prod-receiver-disabled',
    AlarmDescription: alarmDescription(text),
    NewStateValue: state,
    NewStateReason: 'Threshold Crossed: 1 out of the last 1 datapoints [3.0] was greater than the threshold (0.0).',
    StateChangeTime: '2026-11-28T10:00:00.000+0000',
    ...over,
  });
const about = { subject: 'ALARM', severity: 'page', at: '2026-11-28T10:00:01.000Z' } as const;
const DASHBOARD = [{ title: 'Dashboard', url: 'https://console.example.com/dashboards/health' }];
const FOUND = 'crm is disabled (gone, last status 410, event s#bounced); once it is fixed: receivers enable crm';

const sounding: AlarmNotice = { ...alarmNotice(messageOf('ALARM'), about, DASHBOARD), details: [FOUND] };
const over = alarmNotice(messageOf('OK'), about, DASHBOARD);
const budget = alarmNotice('The budget of the account is 80 % spent.', { ...about, severity: 'ticket' }, DASHBOARD);
/** Longer than any service takes. */
const long = alarmNotice(
  messageOf(
    'ALARM',
    { AlarmName: 'a'.repeat(600), NewStateReason: 'r'.repeat(5000) },
    {
      ...TEXT,
      happened: `${'h'.repeat(4000)}.`,
      impact: `${'i'.repeat(4000)}.`,
    },
  ),
  about,
);

const FORMS = {
  slack: (notice: AlarmNotice) => slackMessage(notice) satisfies { text: string; blocks: KnownBlock[] },
  teams: teamsMessage,
  pagerduty: (notice: AlarmNotice) => pagerDutyEvent(notice, 'routing-key'),
  opsgenie: opsgenieAlert,
};

describe.each(Object.entries(FORMS))('%s', (service, form) => {
  test.each(Object.entries({ sounding, over, budget }))(
    'is sent the content of its golden file: %s',
    (name, notice) => {
      const golden = readFileSync(join(GOLDEN, `${service}-${name}.json`), 'utf8');
      expect(form(notice)).toEqual(JSON.parse(golden));
    },
  );

  test('shows the event, impact, findings, first command and both links', () => {
    const text = JSON.stringify(form(sounding))
      .replaceAll('&amp;', '&')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>');
    for (const said of [TEXT.happened, TEXT.impact, FOUND, TEXT.first, TEXT.runbook, DASHBOARD[0]?.url ?? '']) {
      expect(text).toContain(said);
    }
  });
});

test('Slack takes texts of at most 150 and 3,000 characters, and no raw markup', () => {
  for (const notice of [sounding, over, budget, long]) {
    for (const block of slackMessage(notice).blocks) {
      const texts = 'elements' in block ? block.elements : [block.text];
      for (const { type, text } of texts) expect(text.length).toBeLessThanOrEqual(type === 'plain_text' ? 150 : 3000);
    }
  }
  expect(JSON.stringify(slackMessage(sounding).blocks)).toContain('no bounce &amp; &lt;complaint&gt;');
});

test("Microsoft's parser accepts every card without a warning, and keeps all of it", () => {
  // The file for bundlers: what the package exports to Node cannot be loaded.
  const { AdaptiveCard, SerializationContext } = createRequire(import.meta.url)(
    'adaptivecards/dist/adaptivecards.min.js',
  );
  for (const notice of [sounding, over, budget, long]) {
    const [{ content } = { content: {} }] = teamsMessage(notice).attachments;
    const [card, context] = [new AdaptiveCard(), new SerializationContext()];
    card.parse(content, context);
    const complaints = Array.from({ length: context.eventCount }, (_, nth) => context.getEventAt(nth).message);

    expect(complaints).toEqual([]);
    expect(card.validateProperties().validationEvents).toEqual([]);
    const { msteams: _, ...known } = content as Record<string, unknown>;
    const actions = (known.actions as unknown[]).length > 0 ? {} : { actions: undefined };
    expect(card.toJSON()).toEqual(
      JSON.parse(JSON.stringify({ ...known, ...actions }), (key, value) =>
        key === 'wrap' && value === false ? undefined : value,
      ),
    );
  }
  const [card, context] = [new AdaptiveCard(), new SerializationContext()];
  card.parse({ type: 'AdaptiveCard', version: '1.4', body: [{ type: 'Text' }] }, context);
  expect(context.eventCount).toBe(1);
});

test('PagerDuty opens one incident for an alarm and resolves the same one', () => {
  const trigger = pagerDutyEvent(sounding, 'key');
  if (trigger.event_action !== 'trigger') throw new Error('it opens none');
  const typed: Parameters<typeof event>[0]['data'] = trigger;

  expect(pagerDutyEvent(over, 'key')).toEqual({
    routing_key: 'key',
    event_action: 'resolve',
    dedup_key: typed.dedup_key,
  });
  const { dedup_key, payload } = pagerDutyEvent(long, 'key');
  expect([dedup_key.length, payload?.summary.length]).toEqual([255, 1024]);
});

test("Opsgenie's fields stay within its limits", () => {
  const { message = '', alias = '', description = '', source } = opsgenieAlert(long);

  expect([message.length, alias.length, source.length]).toEqual([130, 512, 100]);
  expect(description.length).toBeLessThanOrEqual(15_000);
});
