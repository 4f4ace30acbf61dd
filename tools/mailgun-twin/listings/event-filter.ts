import { BadRequestError } from '../api/api-response.ts';
import type { LoggedEvent } from './event-log.ts';

/** Filters by field, with expressions such as `delivered OR failed`, `NOT "Your order"`, `>10 <20`. */
export type Filters = Readonly<Record<string, string>>;

type Predicate = (event: LoggedEvent) => boolean;
type Test = (value: string) => Predicate;

/** Compares whole values, ignoring case. */
const is =
  (read: (event: LoggedEvent) => readonly unknown[]): Test =>
  (value) => {
    const wanted = bare(value);
    return (event) => read(event).some((each) => bare(each) === wanted);
  };

/** Searches within values, ignoring case. */
const holds =
  (read: (event: LoggedEvent) => readonly unknown[]): Test =>
  (value) => {
    const wanted = value.toLowerCase();
    return (event) => read(event).some((each) => String(each).toLowerCase().includes(wanted));
  };

const at =
  (...path: readonly string[]) =>
  ({ data }: LoggedEvent): readonly unknown[] => {
    let value: unknown = data;
    for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
    return value === undefined || value === null ? [] : [value].flat();
  };

const FIELDS: Readonly<Record<string, Test>> = {
  event: is(at('event')),
  recipient: is(at('recipient')),
  recipients: is(at('message', 'recipients')),
  tags: is(at('tags')),
  severity: is(at('severity')),
  list: is(at('mailing-list', 'address')),
  'message-id': is(at('message', 'headers', 'message-id')),
  from: holds(at('message', 'headers', 'from')),
  to: holds(at('message', 'headers', 'to')),
  subject: holds(at('message', 'headers', 'subject')),
  attachment: holds((event) =>
    at('message', 'attachments')(event).map((each) => (each as { filename?: unknown }).filename),
  ),
  domain: is(({ domain }) => [domain]),
  size: sizeTest,
};

export const FILTER_NAMES = Object.keys(FIELDS);

/** Returns a predicate for these filters; throws a BadRequestError for an invalid expression. */
export function createFilter(filters: Filters): Predicate {
  const predicates = Object.entries(filters).map(([name, expression]) => {
    const test = FIELDS[name];
    if (test === undefined) throw new BadRequestError(`unknown filter: ${name}`);
    return parseExpression(expression, test);
  });
  return (event) => predicates.every((holdsFor) => holdsFor(event));
}

/** Adjacent terms must all match, as with `AND`. */
function parseExpression(text: string, test: Test): Predicate {
  const tokens = text.match(/"[^"]*"|[()]|[^\s()"]+/g) ?? [];
  let next = 0;

  function anyOf(): Predicate {
    const some = [allOf()];
    while (tokens[next] === 'OR') {
      next += 1;
      some.push(allOf());
    }
    return (event) => some.some((each) => each(event));
  }

  function allOf(): Predicate {
    const every = [term()];
    while (next < tokens.length && tokens[next] !== 'OR' && tokens[next] !== ')') {
      if (tokens[next] === 'AND') next += 1;
      every.push(term());
    }
    return (event) => every.every((each) => each(event));
  }

  function term(): Predicate {
    const token = tokens[next];
    next += 1;
    if (token === undefined || ['AND', 'OR', ')'].includes(token))
      throw new BadRequestError(`filter expression: ${text}`);
    if (token === 'NOT') {
      const inner = term();
      return (event) => !inner(event);
    }
    if (token !== '(') return test(token.replace(/^"|"$/g, ''));
    const inner = anyOf();
    if (tokens[next] !== ')') throw new BadRequestError(`filter expression: ${text}`);
    next += 1;
    return inner;
  }

  const whole = anyOf();
  if (next < tokens.length) throw new BadRequestError(`filter expression: ${text}`);
  return whole;
}

function sizeTest(value: string): Predicate {
  const [, sign = '', digits] = /^([<>]?)(\d+)$/.exec(value) ?? [];
  if (digits === undefined) throw new BadRequestError(`size is a number, or one behind < or >: ${value}`);
  const size = Number(digits);
  const fits = (other: number) => (sign === '<' ? other < size : sign === '>' ? other > size : other === size);
  return (event) => at('message', 'size')(event).some((each) => fits(Number(each)));
}

/** Message ids come with or without angle brackets. */
const bare = (value: unknown) =>
  String(value)
    .replace(/^<(.*)>$/, '$1')
    .toLowerCase();
