import { z } from 'zod';

/** The documentation of one key; error lines and the configuration page are both made of it. */
interface FieldMetadata {
  /** Completes "must be …". */
  readonly constraint: string;
  /** The same of one element, for lists and tags. */
  readonly elementConstraint?: string;
  readonly description: string;
  /** The default in words, where it follows from other settings. */
  readonly derived?: string;
  readonly example?: unknown;
}

/** Metadata of the schemas that are keys of the configuration. */
export const fields = z.registry<FieldMetadata>();

/** Returns the metadata of a schema; undefined for one that is not a key itself. */
export function metadataOf(schema: z.ZodType): FieldMetadata | undefined {
  const metadata = fields.get(schema);
  if (metadata?.elementConstraint === undefined) return metadata;
  return { ...metadata, constraint: `${metadata.constraint}, each ${metadata.elementConstraint}` };
}

/** Returns the schema inside defaults and optionals; of alternatives the first. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner instanceof z.ZodUnion ? (inner.options[0] as z.ZodType) : inner;
}

/** Returns the schema of an object whose keys all have defaults, so that it is optional. */
export function group<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape).prefault({} as never);
}

/** Returns the schema of a list without duplicates, which are reported even if elements are invalid. */
export function distinct<T extends z.ZodType>(element: T, nameOf = (value: unknown) => value) {
  const duplicate = (list: unknown[]) => list.map(nameOf).find((name, index, names) => names.indexOf(name) !== index);
  return z.array(element).refine((list) => duplicate(list) === undefined, {
    when: ({ value }) => Array.isArray(value),
    error: ({ input }) => `got "${duplicate(input as unknown[])}" twice; must be listed once`,
  });
}

export const wholeNumber = (from: number, to: number, standard: number, description: string) =>
  z
    .int()
    .min(from)
    .max(to)
    .default(standard)
    .register(fields, { constraint: `a whole number from ${from} to ${to}`, description });

export const flag = (standard: boolean, description: string) =>
  z.boolean().default(standard).register(fields, { constraint: 'true or false', description });
