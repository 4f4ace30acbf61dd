/** Ids of metrics begin in lower case, functions are in capitals. */
const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([a-z]\w*)|(IF|FILL|AND|OR)\b|(>=|<=|==|[-+*/><(),]))/y;

/** Operators, loosest first; those of one level are read from left to right. */
const LEVELS = [['OR'], ['AND'], ['>', '>=', '<', '<=', '=='], ['+', '-'], ['*', '/']];

/**
 * The ids that an alarm's expression reads; undefined where it is not made of what alarms here may use: numbers, ids,
 * `+ - * /`, comparisons, `AND`, `OR`, parentheses, `IF(c, a, b)` and `FILL(id, 0)`. The local stack evaluates no more.
 */
export function idsIn(expression: string): Set<string> | undefined {
  const tokens = tokensOf(expression);
  if (tokens === undefined) return undefined;
  const ids = new Set<string>();
  let position = 0;
  const next = () => tokens[position] ?? '';
  const take = (wanted: string) => {
    if (next() !== wanted) return false;
    position += 1;
    return true;
  };

  const level = (depth: number): boolean => {
    const operators = LEVELS[depth];
    if (operators === undefined) return operand();
    if (!level(depth + 1)) return false;
    while (operators.some(take)) if (!level(depth + 1)) return false;
    return true;
  };
  const whole = () => level(0);
  const operand = (): boolean => {
    if (take('(')) return whole() && take(')');
    if (take('IF')) return take('(') && whole() && take(',') && whole() && take(',') && whole() && take(')');
    if (take('FILL')) return take('(') && id() && take(',') && take('0') && take(')');
    return id() || (/^\d/.test(next()) && take(next()));
  };
  const id = (): boolean => {
    if (!/^[a-z]/.test(next())) return false;
    ids.add(next());
    return take(next());
  };
  return whole() && position === tokens.length ? ids : undefined;
}

function tokensOf(expression: string): string[] | undefined {
  const text = expression.trim();
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    tokens.push(match[0].trim());
  }
  return tokens;
}
