import { type BadParameter, badParameter } from '../../../api/read-parameters.ts';
import { userVariable } from '../../domain/events/event-details.ts';
import { type MailgunEvent, parseEvent } from '../../domain/events/mailgun-event.ts';
import type { JsonObject } from '../../domain/json.ts';

/** The filters of events besides their type; the tag in lower case. */
export interface EventFilter {
  readonly tag?: string | undefined;
  readonly severity?: string | undefined;
  readonly subject?: string | undefined;
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

/** Names of events whose mail Mailgun does not describe. */
const WITHOUT_SUBJECT = ['opened', 'clicked', 'unsubscribed'];

/** Returns a refusal of a filter that no event can match: no events would read as if none were stored. */
export function emptyFilter(query: object): BadParameter | undefined {
  const { type, severity, subject }: EventFilter & { readonly type?: string } = query;
  if (severity !== undefined && type !== undefined && type !== 'failed')
    return badParameter('severity', `must be given without type=${type}: only type=failed has one`);
  if (subject !== undefined && type !== undefined && WITHOUT_SUBJECT.includes(type))
    return badParameter('subject', `must be given without type=${type}, whose events carry none`);
  return undefined;
}

export type EventPredicate = (event: JsonObject) => boolean;

type Check = (event: MailgunEvent) => boolean;

/** Returns a check of all that the filter names, or undefined where it names nothing. */
export function eventPredicate({ tag, severity, subject, variables = {} }: EventFilter): EventPredicate | undefined {
  const checks: Check[] = Object.entries(variables).map(
    ([name, value]) =>
      ({ raw }) =>
        userVariable(raw, name) === value,
  );
  if (tag !== undefined) checks.push(({ tags }) => tags.includes(tag));
  if (severity !== undefined) checks.push((event) => event.severity === severity);
  if (subject !== undefined) checks.push(subjectCheck(subject.toLowerCase()));
  if (checks.length === 0) return undefined;
  return (raw) => {
    const event = parseEvent(raw);
    return checks.every((check) => check(event));
  };
}

function subjectCheck(wanted: string): Check {
  if (!wanted.endsWith('*')) return ({ subject }) => subject?.toLowerCase() === wanted;
  const beginning = wanted.slice(0, -1);
  return ({ subject }) => subject?.toLowerCase().startsWith(beginning) ?? false;
}
