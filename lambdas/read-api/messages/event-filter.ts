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
