/** A metric-math expression of the forms that alarms may use. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'metric'; readonly id: string }
  /** `FILL(id, 0)`: the metric, or 0 where it is missing. */
  | { readonly kind: 'filled'; readonly id: string }
  | { readonly kind: 'if'; readonly condition: Expression; readonly then: Expression; readonly otherwise: Expression }
  | { readonly kind: 'binary'; readonly operator: Operator; readonly left: Expression; readonly right: Expression };

/** Operators, loosest first; those of one level are read from left to right. */
const LEVELS = [['OR'], ['AND'], ['>', '>=', '<', '<=', '=='], ['+', '-'], ['*', '/']] as const;

export type Operator = (typeof LEVELS)[number][number];

const TOKEN = /\s*(?:\d+(?:\.\d+)?|[A-Za-z]\w*|[<>=]=|\S)/g;
const NUMBER = /^\d/;
/** Ids of metrics begin in lower case, functions are in capitals. */
const ID = /^[a-z]\w*$/;

/** The expression is not of the forms that alarms may use; the message is a sentence without its full stop. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/**
 * Returns the parsed expression: numbers, ids, `+ - * /`, comparisons, `AND`, `OR`, parentheses, `IF(c, a, b)` and
 * `FILL(id, 0)`. Throws an ExpressionError for anything else. Synth refuses an alarm by it, and the local stack
 * evaluates what it returns, so that an alarm that passes synth is one that was seen to go off.
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(
    text,
    (text.match(TOKEN) ?? []).map((token) => token.trim()),
  );
  const expression = parser.level(0);
  parser.end();
  return expression;
}

/** Returns the ids of the metrics that the expression reads. */
export function idsIn(expression: Expression): Set<string> {
  const idsOf = (parts: Expression[]) => new Set(parts.flatMap((part) => [...idsIn(part)]));
  switch (expression.kind) {
    case 'number':
      return new Set();
    case 'metric':
    case 'filled':
      return new Set([expression.id]);
    case 'if':
      return idsOf([expression.condition, expression.then, expression.otherwise]);
    case 'binary':
      return idsOf([expression.left, expression.right]);
  }
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #position = 0;

  constructor(text: string, tokens: readonly string[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  level(depth: number): Expression {
    const operators = LEVELS[depth];
    if (operators === undefined) return this.#operand();
    let left = this.level(depth + 1);
    for (;;) {
      const operator = operators.find((each) => this.#take(each));
      if (operator === undefined) return left;
      left = { kind: 'binary', operator, left, right: this.level(depth + 1) };
    }
  }

  end(): void {
    if (this.#position < this.#tokens.length) this.#fail();
  }

  #operand(): Expression {
    if (this.#take('(')) {
      const inner = this.level(0);
      this.#expect(')');
      return inner;
    }
    if (this.#take('IF')) return this.#if();
    if (this.#take('FILL')) return this.#filled();
    return NUMBER.test(this.#next()) ? { kind: 'number', value: Number(this.#advance()) } : this.#metric();
  }

  #if(): Expression {
    this.#expect('(');
    const condition = this.level(0);
    this.#expect(',');
    const then = this.level(0);
    this.#expect(',');
    const otherwise = this.level(0);
    this.#expect(')');
    return { kind: 'if', condition, then, otherwise };
  }

  #filled(): Expression {
    this.#expect('(');
    const { id } = this.#metric();
    this.#expect(',');
    this.#expect('0');
    this.#expect(')');
    return { kind: 'filled', id };
  }

  #metric(): Extract<Expression, { kind: 'metric' }> {
    return ID.test(this.#next()) ? { kind: 'metric', id: this.#advance() } : this.#fail();
  }

  #next(): string {
    return this.#tokens[this.#position] ?? '';
  }

  #advance(): string {
    const token = this.#next();
    this.#position += 1;
    return token;
  }

  #take(wanted: string): boolean {
    if (this.#next() !== wanted) return false;
    this.#position += 1;
    return true;
  }

  #expect(wanted: string): void {
    if (!this.#take(wanted)) this.#fail();
  }

  #fail(): never {
    const found = this.#next() === '' ? 'the end' : `"${this.#next()}"`;
    throw new ExpressionError(
      `"${this.#text}" has ${found} where only numbers, metrics, operators, IF(c, a, b) and FILL(m, 0) are allowed`,
    );
  }
}
