import * as z from 'zod/mini';

/** A parameter that is missing or wrong, and what would be right. */
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

/** Returns what the parameters of a route say, or the first of them that is wrong. */
export function readParameters<Parameters extends z.ZodMiniObject>(
  parameters: Parameters,
  raw: RawParameters,
): { readonly ok: true; readonly query: z.output<Parameters> } | BadParameter {
  const parsed = z.safeParse(parameters, raw);
  if (parsed.success) return { ok: true, query: parsed.data };
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(parameters.shape).join(', ');
    return badParameter(issue.keys[0] ?? '', `is not a parameter of this route${known && `, which takes ${known}`}`);
  }
  const name = String(issue.path[0]);
  if (issue.code === 'custom') return badParameter(name, issue.message);
  const isMissing = !Object.hasOwn(raw, name);
  return badParameter(name, isMissing ? 'is missing' : 'must be given once, as text');
}
