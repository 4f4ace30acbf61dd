import * as z from 'zod/mini';
import { VARIABLE_PREFIX } from './parameters.ts';

/** A parameter that is missing or invalid, and what is valid. */
export interface BadParameter {
  readonly ok: false;
  readonly parameter: string;
  readonly message: string;
}

/** Parameters as they arrive, by name; a list where one is given more than once. */
export type RawParameters = Readonly<Record<string, unknown>>;

export const badParameter = (parameter: string, message: string): BadParameter => ({
  ok: false,
  parameter,
  message: `${parameter} ${message}`,
});

/** Returns the parsed parameters of a route, or the first invalid one. */
export function readParameters<Parameters extends z.ZodMiniObject>(
  parameters: Parameters,
  raw: RawParameters,
): { readonly ok: true; readonly query: z.output<Parameters> } | BadParameter {
  const takesVariables = 'variables' in parameters.shape;
  const parsed = z.safeParse(parameters, takesVariables ? withVariables(raw) : raw);
  if (parsed.success) return { ok: true, query: parsed.data };
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(parameters.shape).map((name) =>
      name === 'variables' ? `${VARIABLE_PREFIX}<name>` : name,
    );
    const which = known.length > 0 ? `, which takes ${known.join(', ')}` : '';
    return badParameter(issue.keys[0]?.replace(/^ /, '') ?? '', `is not a parameter of this route${which}`);
  }
  const [first, second = ''] = issue.path.map(String);
  if (first === 'variables') return badParameter(VARIABLE_PREFIX + second, 'must name a variable, once, as text');
  const name = String(first);
  if (name === 'addresses') return badAddresses(issue, second);
  if (issue.code === 'custom') return badParameter(name, issue.message);
  return badParameter(name, Object.hasOwn(raw, name) ? 'must be given once, as text' : 'is missing');
}

/** Names the address that is wrong: a client may have sent a thousand. */
function badAddresses({ code, message }: z.core.$ZodIssue, index: string): BadParameter {
  if (index !== '') {
    const wrong = code === 'custom' ? message : 'must be text';
    return { ok: false, parameter: 'addresses', message: `addresses[${index}] ${wrong}` };
  }
  return badParameter('addresses', code === 'invalid_type' ? 'must be a list of addresses' : message);
}

/** Gathers the parameters of user variables, in the order of their names: a cursor belongs to any order of a query. */
function withVariables(raw: RawParameters): RawParameters {
  const entries = Object.entries(raw);
  const variables = entries
    .filter(([name]) => name.startsWith(VARIABLE_PREFIX))
    .map(([name, value]) => [name.slice(VARIABLE_PREFIX.length), value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  // A parameter that is itself called `variables` is not one of them.
  const others = entries
    .filter(([name]) => !name.startsWith(VARIABLE_PREFIX))
    .map(([name, value]) => [name === 'variables' ? ' variables' : name, value]);
  return { ...Object.fromEntries(others), ...(variables.length > 0 && { variables: Object.fromEntries(variables) }) };
}
