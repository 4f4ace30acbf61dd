import { isObject } from '../json.ts';
import type { AlarmNotice, Severity } from './alarm-notice.ts';
import { opsgenieAlert, opsgenieAlias, type Payload, pagerDutyEvent, slackMessage, teamsMessage } from './services.ts';

/** Target of notices: a service, its URL, and a key if the URL contains none. */
export interface Target {
  readonly kind: ServiceKind;
  readonly url: string;
  readonly key: string;
  readonly severities: readonly Severity[];
}

export type ServiceKind = 'slack' | 'teams' | 'pagerduty' | 'opsgenie';

/** Host names by which a service is known. */
const HOSTS: readonly (readonly [RegExp, ServiceKind])[] = [
  [/(^|\.)slack(-gov)?\.com$/, 'slack'],
  [/(^|\.)(logic\.azure\.com|webhook\.office\.com|environment\.api\.powerplatform\.com)$/, 'teams'],
  [/(^|\.)pagerduty\.com$/, 'pagerduty'],
  [/(^|\.)opsgenie\.com$/, 'opsgenie'],
];
const KINDS: readonly unknown[] = HOSTS.map(([, kind]) => kind);
const NEEDS_KEY: readonly ServiceKind[] = ['pagerduty', 'opsgenie'];
const SEVERITIES: readonly Severity[] = ['page', 'ticket'];

/** Parses the targets in a secret's JSON. Throws an error that names the invalid one without quoting it. */
export function parseTargets(text: string): Target[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
  }
  if (!Array.isArray(parsed)) throw new Error('the targets of notices are not a JSON list');
  return parsed.map((target, nth) => parseTarget(target, `target ${nth + 1}`));
}

function parseTarget(target: unknown, name: string): Target {
  if (!isObject(target)) throw new Error(`${name} is not an object`);
  const { url, key = '', severities = SEVERITIES } = target;
  if (typeof url !== 'string' || !URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new Error(`${name} has no https url`);
  }
  const { hostname } = new URL(url);
  const kind = target.kind ?? HOSTS.find(([host]) => host.test(hostname))?.[1];
  if (!KINDS.includes(kind)) throw new Error(`${name} needs a kind, one of ${KINDS.join(', ')}`);
  if (typeof key !== 'string' || (NEEDS_KEY.includes(kind as ServiceKind) && key === '')) {
    throw new Error(`${name} needs a key`);
  }
  const isSeverities = Array.isArray(severities) && severities.every((each) => SEVERITIES.includes(each as Severity));
  if (!isSeverities || severities.length === 0) throw new Error(`${name} has severities other than page and ticket`);
  return { kind: kind as ServiceKind, url, key, severities: severities as readonly Severity[] };
}

interface NoticeRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Payload;
}

/** Returns the request that brings a notice to a target. */
export function requestOf(notice: AlarmNotice, { kind, url, key }: Target): NoticeRequest {
  switch (kind) {
    case 'slack':
      return { url, headers: {}, body: slackMessage(notice) };
    case 'teams':
      return { url, headers: {}, body: teamsMessage(notice) };
    case 'pagerduty':
      return { url, headers: {}, body: pagerDutyEvent(notice, key) };
    case 'opsgenie':
      return {
        url: notice.isOver ? closing(url, opsgenieAlias(notice)) : url,
        headers: { authorization: `GenieKey ${key}` },
        body: opsgenieAlert(notice),
      };
    default:
      return kind satisfies never;
  }
}

/** An alert is closed by its alias. */
function closing(url: string, alias: string): string {
  return `${url.replace(/\/$/, '')}/${encodeURIComponent(alias)}/close?identifierType=alias`;
}
