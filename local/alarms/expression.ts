import jsep, { type Expression as Node } from 'jsep';

// Metric math spells its logic in words.
jsep.addBinaryOp('OR', 1);
jsep.addBinaryOp('AND', 2);

/** Value of a metric in one period; undefined where nothing was reported. */
export type ReadMetric = (id: string) => number | undefined;

/** A metric-math expression: its value in one period, undefined where what it needs is missing. */
export type Expression = (read: ReadMetric) => number | undefined;

const truth = (holds: boolean) => (holds ? 1 : 0);

const OPERATORS: Readonly<Record<string, (left: number, right: number) => number>> = {
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
 * Numbers, metric ids, `+ - * /`, comparisons, `AND OR`, parentheses, `IF(c,a,b)` and `FILL(m,0)` over the ids given.
 * Throws a sentence without full stop for everything else.
 */
export function parseExpression(text: string, ids: readonly string[]): Expression {
  const used = new Set<string>();
  const expression = compile(parse(text), ids, used);
  if (used.size === 0) throw new Error(`"${text}" reads no metric`);
  const unused = ids.find((id) => !used.has(id));
  if (unused !== undefined) throw new Error(`"${text}" does not read the metric ${unused}`);
  return expression;
}

function parse(text: string): Node {
  try {
    return jsep(text);
  } catch (error) {
    throw new Error(`"${text}" is no expression: ${(error as Error).message}`);
  }
}

function compile(node: Node, ids: readonly string[], used: Set<string>): Expression {
  const inner = (child: unknown) => compile(child as Node, ids, used);
  switch (node.type) {
    case 'Literal': {
      const { value } = node;
      if (typeof value !== 'number') throw new Error(`${node.raw} is no number`);
      return () => value;
    }
    case 'Identifier': {
      const id = idOf(node, ids, used);
      return (read) => read(id);
    }
    case 'BinaryExpression': {
      const apply = OPERATORS[String(node.operator)];
      if (!apply) throw new Error(`it knows no operator ${node.operator}`);
      const [left, right] = [inner(node.left), inner(node.right)];
      return (read) => {
        const [one, other] = [left(read), right(read)];
        return one === undefined || other === undefined ? undefined : finite(apply(one, other));
      };
    }
    case 'CallExpression':
      return compileCall(node, inner, (argument) => idOf(argument, ids, used));
    default:
      throw new Error(`it knows no ${node.type}`);
  }
}

function compileCall(node: Node, inner: (node: unknown) => Expression, metric: (node: Node) => string): Expression {
  const name = (node.callee as Node).name;
  const parts = node.arguments as Node[];
  if (name === 'IF' && parts.length === 3) {
    const [condition, then, otherwise] = parts.map(inner) as [Expression, Expression, Expression];
    return (read) => {
      const held = condition(read);
      return held === undefined ? undefined : held !== 0 ? then(read) : otherwise(read);
    };
  }
  if (name === 'FILL' && parts.length === 2 && parts[1]?.type === 'Literal' && parts[1].value === 0) {
    const id = metric(parts[0] as Node);
    return (read) => read(id) ?? 0;
  }
  throw new Error(`it knows no ${String(name)} but IF(c,a,b) and FILL(m,0)`);
}

function idOf(node: Node, ids: readonly string[], used: Set<string>): string {
  const id = String(node.name);
  if (node.type !== 'Identifier' || !ids.includes(id)) throw new Error(`it has no metric ${node.name ?? node.type}`);
  used.add(id);
  return id;
}

/** A division by zero is no data. */
function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
