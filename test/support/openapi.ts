import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

// biome-ignore lint/suspicious/noExplicitAny: a description is what it is
type Node = any;

/** docs/openapi.yaml, parsed. */
export const description: Node = parse(readFileSync(join(import.meta.dirname, '../../docs/openapi.yaml'), 'utf8'));

export interface Operation {
  method: 'GET' | 'POST';
  path: string;
  parameters: Node[];
  requestBody: Node;
  responses: Record<string, Node>;
}

/** Returns a node with its references resolved. */
function resolve(node: Node): Node {
  if (typeof node?.$ref !== 'string') return node;
  const path: string[] = node.$ref.slice('#/'.length).split('/');
  return path.reduce((inner, key) => inner[key], description);
}

/** Every operation, with references resolved. */
export const operations: Operation[] = Object.entries<Node>(description.paths).flatMap(([path, item]) =>
  Object.entries<Node>(item).map(([method, { parameters = [], requestBody, responses }]) => ({
    method: method.toUpperCase() as Operation['method'],
    path,
    parameters: parameters.map(resolve),
    requestBody,
    responses: Object.fromEntries(Object.entries(responses).map(([status, response]) => [status, resolve(response)])),
  })),
);

/** Returns the schema with undescribed properties forbidden. */
function closed(schema: Node): Node {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return schema.properties && schema.additionalProperties === undefined
    ? { ...inner, additionalProperties: false }
    : inner;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
(addFormats as unknown as { default: typeof addFormats.default }).default(ajv);
ajv.addSchema({ $id: 'api', components: { schemas: closed(description.components.schemas) } });

/** Returns the errors in a response body by the operation's schema, undescribed fields included. */
export function faults({ responses }: Operation, status: number, body: unknown): string[] {
  const content = responses[status]?.content;
  if (content === undefined) return body === null ? [] : [`${status} has no content`];
  const { $ref } = content['application/json'].schema;
  const validate = ajv.compile({ $ref: `api${$ref}` }) as ValidateFunction;
  return validate(body) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Returns the named examples of an operation's responses with a status. */
export function responseExamples({ responses }: Operation, status: number): Record<string, Node> {
  const examples = responses[status]?.content?.['application/json'].examples ?? {};
  return Object.fromEntries(Object.entries<Node>(examples).map(([name, { value }]) => [name, value]));
}

interface ExampleRequest {
  path: string;
  body?: string;
}

/** Returns the request of a named example: every parameter that has an example of this name. */
export function exampleRequest({ path, parameters, requestBody }: Operation, name: string): ExampleRequest {
  const query = new URLSearchParams();
  let filled = path;
  for (const parameter of parameters) {
    const example = parameter.examples?.[name];
    if (example === undefined) continue;
    if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(example.value));
    for (const value of parameter.in === 'query' ? [example.value].flat() : []) query.append(parameter.name, value);
  }
  const body = requestBody?.content['application/json'].examples[name]?.value;
  return { path: query.size > 0 ? `${filled}?${query}` : filled, ...(body && { body: JSON.stringify(body) }) };
}
