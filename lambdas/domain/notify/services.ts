import { type AlarmNotice, statementsOf, summaryOf } from './alarm-notice.ts';

// Request formats of Slack's incoming webhooks, Teams' workflow webhooks, PagerDuty's Events API v2 and Opsgenie's
// Alert API.

/** A request to a service, without its URL and authorization. */
export type Payload = Readonly<Record<string, unknown>>;

const cut = (text: string, max: number) => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);

/** Slack reads these three characters as markup. */
const forSlack = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const slackSection = (text: string) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } });
/** Slack's limits; it rejects a message with a longer text. */
const MAX_SLACK_HEADER = 150;
const MAX_SLACK_TEXT = 3000;

/** Returns a message of blocks; `text` is what notifications show. */
export function slackMessage(notice: AlarmNotice) {
  const summary = summaryOf(notice);
  const mark = notice.isOver
    ? ':white_check_mark:'
    : { page: ':rotating_light:', ticket: ':warning:' }[notice.severity];
  const statements = statementsOf(notice).map(([label, text]) => `*${label}*  ${forSlack(text)}`);
  const links = notice.links.map(({ title, url }) => `<${url}|${title}>`);
  const first = firstCommand(notice);
  return {
    text: cut(`${mark} ${forSlack(summary)}`, MAX_SLACK_TEXT),
    blocks: [
      { type: 'header' as const, text: { type: 'plain_text' as const, text: cut(summary, MAX_SLACK_HEADER) } },
      slackSection(cut(`${mark} ${statements.join('\n')}`, MAX_SLACK_TEXT)),
      ...(first === undefined ? [] : [slackSection(cut(`*First*\n\`\`\`${forSlack(first)}\`\`\``, MAX_SLACK_TEXT))]),
      {
        type: 'context' as const,
        elements: [
          {
            type: 'mrkdwn' as const,
            text: cut([forSlack(notice.name), notice.at, ...links].join(' · '), MAX_SLACK_TEXT),
          },
        ],
      },
    ],
  };
}

/** Returns a message with an Adaptive Card. */
export function teamsMessage(notice: AlarmNotice) {
  const first = firstCommand(notice);
  const color = notice.isOver ? 'Good' : { page: 'Attention', ticket: 'Warning' }[notice.severity];
  const facts = statementsOf(notice).map(([title, value]) => ({ title, value }));
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          msteams: { width: 'Full' },
          body: [
            { type: 'TextBlock', text: summaryOf(notice), weight: 'Bolder', size: 'Medium', color, wrap: true },
            { type: 'FactSet', facts },
            ...(first === undefined ? [] : [{ type: 'TextBlock', text: first, fontType: 'Monospace', wrap: true }]),
            { type: 'TextBlock', text: `${notice.name} · ${notice.at}`, isSubtle: true, size: 'Small', wrap: true },
          ],
          actions: notice.links.map(({ title, url }) => ({ type: 'Action.OpenUrl', title, url })),
        },
      },
    ],
  };
}

const MAX_PAGERDUTY_SUMMARY = 1024;
const MAX_PAGERDUTY_KEY = 255;

/** Returns an event that opens the incident of the alarm, or resolves it. */
export function pagerDutyEvent(notice: AlarmNotice, routingKey: string) {
  const dedupKey = cut(notice.name, MAX_PAGERDUTY_KEY);
  if (notice.isOver) return { routing_key: routingKey, event_action: 'resolve' as const, dedup_key: dedupKey };
  return {
    routing_key: routingKey,
    event_action: 'trigger' as const,
    dedup_key: dedupKey,
    payload: {
      summary: cut(summaryOf(notice), MAX_PAGERDUTY_SUMMARY),
      source: notice.name,
      severity: notice.severity === 'page' ? ('critical' as const) : ('warning' as const),
      timestamp: notice.at,
      custom_details: detailsOf(notice),
    },
    links: notice.links.map(({ title, url }) => ({ href: url, text: title })),
    client: 'mailgun-ledger',
  };
}

const MAX_OPSGENIE_MESSAGE = 130;
const MAX_OPSGENIE_ALIAS = 512;
const MAX_OPSGENIE_DESCRIPTION = 15_000;
const MAX_OPSGENIE_SOURCE = 100;

/** Returns the alias of an alarm's alerts. */
export const opsgenieAlias = ({ name }: AlarmNotice): string => cut(name, MAX_OPSGENIE_ALIAS);

/** Returns an alert, or if the alarm has ended the request that closes it. */
export function opsgenieAlert(notice: AlarmNotice) {
  const source = cut(notice.name, MAX_OPSGENIE_SOURCE);
  if (notice.isOver) return { source, note: cut(`${summaryOf(notice)} ${notice.reason}`, MAX_OPSGENIE_DESCRIPTION) };
  const links = notice.links.map(({ title, url }) => `${title}: ${url}`);
  const statements = statementsOf(notice).map(([label, text]) => `${label}: ${text}`);
  return {
    message: cut(summaryOf(notice), MAX_OPSGENIE_MESSAGE),
    alias: opsgenieAlias(notice),
    description: cut([summaryOf(notice), ...statements, ...links].join('\n'), MAX_OPSGENIE_DESCRIPTION),
    priority: notice.severity === 'page' ? ('P1' as const) : ('P3' as const),
    source,
    tags: ['mailgun-ledger', notice.severity],
    details: detailsOf(notice),
  };
}

function detailsOf(notice: AlarmNotice): Record<string, string> {
  const details: Record<string, string> = {};
  for (const [label, text] of statementsOf(notice)) {
    details[label] = details[label] === undefined ? text : `${details[label]}\n${text}`;
  }
  const first = firstCommand(notice);
  return first === undefined ? details : { ...details, First: first };
}

const firstCommand = ({ isOver, text }: AlarmNotice): string | undefined => (isOver ? undefined : text?.first);
