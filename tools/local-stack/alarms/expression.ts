import {
  idsIn,
  type Operator,
  type Expression as Parsed,
  parseExpression,
} from '../../../lib/checks/alarm-expression.ts';

/** Returns a metric's value in one period; undefined if nothing was reported. */
type ReadMetric = (id: string) => number | undefined;

/** A metric-math expression: returns its value in one period, undefined if a metric it needs is missing. */
export type CompiledExpression = (read: ReadMetric) => number | undefined;

const truth = (holds: boolean) => (holds ? 1 : 0);

const OPERATORS: Readonly<Record<Operator, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '>': (left, right) => truth(left > right),
  '>=': (left, right) => truth(left >= right),
  '<': (left, right) => truth(left < right),
  '<=': (left, right) => truth(left <= right),
  '==': (left, right) => truth(left === right),
  AND: (left, right) => truth(left !== 0 && right !== 0),
  OR: (left, right) => truth(left !== 0 || right !== 0),
};

/**
 * Returns a function that evaluates the expression; throws a sentence without full stop if it does not read exactly
 * these ids.
 */
export function compileExpression(text: string, ids: readonly string[]): CompiledExpression {
  const parsed = parseExpression(text);
  const used = idsIn(parsed);
  if (used.size === 0) throw new Error(`"${text}" reads no metric`);
  const unknown = [...used].find((id) => !ids.includes(id));
  if (unknown !== undefined) throw new Error(`"${text}" reads ${unknown}, which is not a metric of the alarm`);
  const unused = ids.find((id) => !used.has(id));
  if (unused !== undefined) throw new Error(`"${text}" does not read the metric ${unused}`);
  return (read) => evaluate(parsed, read);
}

function evaluate(expression: Parsed, read: ReadMetric): number | undefined {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'metric':
      return read(expression.id);
    case 'filled':
      return read(expression.id) ?? 0;
    case 'if': {
      const condition = evaluate(expression.condition, read);
      if (condition === undefined) return undefined;
      return evaluate(condition !== 0 ? expression.then : expression.otherwise, read);
    }
    case 'binary': {
      const [left, right] = [evaluate(expression.left, read), evaluate(expression.right, read)];
      if (left === undefined || right === undefined) return undefined;
      const value = OPERATORS[expression.operator](left, right);
      // Division by zero is missing data.
      return Number.isFinite(value) ? value : undefined;
    }
  }
}
