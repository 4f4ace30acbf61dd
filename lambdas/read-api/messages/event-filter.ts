import { textAt, valueAt } from '../../domain/events/event.ts';
import { tagsOf } from '../../domain/events/mailgun-event.ts';
import { isObject, type Json, type JsonObject } from '../../domain/json.ts';

/** The filters of events besides their type; the tag in lower case. */
export interface EventFilter {
  readonly tag?: string | undefined;
  readonly severity?: string | undefined;
  readonly subject?: string | undefined;
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

export type EventPredicate = (event: JsonObject) => boolean;

/** Returns a check of all that the filter names, or undefined where it names nothing. */
export function eventPredicate({ tag, severity, subject, variables = {} }: EventFilter): EventPredicate | undefined {
  const checks: EventPredicate[] = Object.entries(variables).map(
    ([name, value]) =>
      (event) =>
        variableOf(event, name) === value,
  );
  if (tag !== undefined) checks.push((event) => tagsOf(event).includes(tag));
  if (severity !== undefined) checks.push((event) => textAt(event, 'severity')?.toLowerCase() === severity);
  if (subject !== undefined) checks.push(subjectCheck(subject.toLowerCase()));
  return checks.length === 0 ? undefined : (event) => checks.every((check) => check(event));
}

function subjectCheck(wanted: string): EventPredicate {
  const subjectOf = (event: JsonObject) => textAt(event, 'message', 'headers', 'subject')?.toLowerCase();
  if (!wanted.endsWith('*')) return (event) => subjectOf(event) === wanted;
  const beginning = wanted.slice(0, -1);
  return (event) => subjectOf(event)?.startsWith(beginning) ?? false;
}

/** Returns a user variable as text, structures as JSON; they come as an object, or as its JSON text. */
function variableOf(event: JsonObject, name: string): string | undefined {
  const sent = valueAt(event, 'user-variables');
  const variables = typeof sent === 'string' ? parsed(sent) : sent;
  if (!isObject(variables) || !Object.hasOwn(variables, name)) return undefined;
  const value = variables[name];
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
