import * as z from 'zod/mini';
import { ROUTES } from '../../lambdas/contract.ts';
import { type Operation, pathFormOf, readRoutes } from '../routes.ts';
import { examples } from './examples.ts';
import { operationTexts } from './operations.ts';
import { SHARED_RESPONSES, sharedHeaders, sharedResponses } from './refusals.ts';
import { responseSchemas } from './schemas.ts';

type Json = { readonly [key: string]: unknown };

const DESCRIPTION = `Reads the stored Mailgun events by message, recipient or day, and the ledger that accounts for them.

Every response is JSON. Fields may be added; clients must ignore unknown ones. Lists are paginated: \`next\` in the body is
a cursor, and the \`Link\` header of a GET is the URL of the next page. A cursor is valid only for the query that
returned it, but \`limit\` may change between pages. A page may contain fewer entries than \`limit\`, even none, while
\`next\` is not null. Reading all pages returns everything that existed at the start, and nothing twice.

Parameters are strict: an unknown or repeated name, an empty or impossible value, or a domain or type that this ledger
does not have returns a 400 that explains what is valid. Prefer the query form of a route to the path form: an HTTP API
decodes a path before the function sees it, and may cut off what follows a decoded \`?\`. An unknown id, or an
address without \`@\`, in a path therefore returns a 400.

Browsers: CORS headers for the configured origins, on errors too, except on the gateway's own responses (429, and 413
for bodies over 10 MB).
`;

const DOMAIN = 'mg.example.com';
const RECEIVER = 'crm';
const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const ifNoneMatch = {
  name: 'If-None-Match',
  in: 'header',
  description: 'Entity tags that the client has; the response is 304 if one of them is current.',
  schema: { type: 'string' },
};

const routes = readRoutes([DOMAIN], [RECEIVER]);
type Route = (typeof routes)[Operation];

/** Returns the OpenAPI document, generated from the schemas. */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'mailgun-ledger read API',
      version: '1.0.0',
      summary: 'What became of every mail.',
      description: DESCRIPTION,
    },
    servers: [
      {
        url: 'https://{host}',
        description: 'Output `ApiUrl` of the stack.',
        variables: { host: { default: 'api.example.com' } },
      },
    ],
    security: [{ token: [] }],
    tags: [
      { name: 'history', description: 'Messages, recipients, events.' },
      { name: 'sending', description: 'To be called before a mail is sent.' },
      { name: 'ledger', description: 'Whether anything is missing.' },
      { name: 'receivers', description: 'What became of the deliveries to receivers.' },
    ],
    paths: Object.assign({}, ...(Object.keys(routes) as Operation[]).map(pathsOf)),
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token generated at deploy, or a JWT if `readApi.jwt` is configured.',
        },
      },
      headers: sharedHeaders,
      parameters: { ifNoneMatch },
      responses: sharedResponses,
      schemas: responseSchemas(),
    },
  };
}

/** Returns the operations of a path that differ by parameters; the first one describes the others. */
function joined(operation: Operation): Operation[] {
  const { method, path } = routes[operation];
  const names = Object.keys(routes) as Operation[];
  return names.filter((each) => routes[each].method === method && routes[each].path === path);
}

const isJoined = (operation: Operation) => joined(operation)[0] !== operation;

/** Returns an operation's examples, with those of the operations it describes. */
const examplesOf = (operation: Operation) =>
  Object.assign(
    {},
    ...(isJoined(operation) ? [operation] : joined(operation)).map((each) => examples[each]),
  ) as (typeof examples)[Operation];

/** Returns the query form of a route, and its path form if it has one. */
function pathsOf(operation: Operation): Json {
  const { method, path, inPath } = routes[operation];
  const pathForm = pathFormOf(routes[operation]);
  const verb = method.toLowerCase();
  const whole = ROUTES.read + path;
  const query = isJoined(operation) ? {} : { [whole]: { [verb]: operationOf(operation, undefined) } };
  return pathForm === undefined
    ? query
    : { ...query, [ROUTES.read + pathForm]: { [verb]: operationOf(operation, inPath) } };
}

function operationOf(operation: Operation, inPath: string | undefined): Json {
  const route = routes[operation];
  const { tag, summary, description, responseText, response } = operationTexts[operation];
  const isGet = route.method === 'GET';
  const statuses = [304, 400, 401, 404, 405, 429, 503] as const;
  const shared = statuses.filter(
    (status) => (status !== 304 || isGet) && (status !== 404 || operation === 'getMessage'),
  );
  return {
    operationId: inPath === undefined ? operation : `${operation}ByPath`,
    tags: [tag],
    summary: inPath === undefined ? summary : `The same, with the ${inPath} in the path, which not every value fits.`,
    ...(description !== undefined && inPath === undefined && { description }),
    ...(isGet ? { parameters: parametersOf(operation, inPath) } : { requestBody: requestBodyOf(operation) }),
    responses: {
      200: {
        description: responseText,
        headers: {
          ETag: ref('headers', 'ETag'),
          ...(isGet && 'limit' in route.parameters.shape && { Link: ref('headers', 'Link') }),
        },
        content: { 'application/json': { schema: ref('schemas', response), examples: responsesOf(operation) } },
      },
      ...Object.fromEntries(shared.map((status) => [status, ref('responses', SHARED_RESPONSES[status])])),
    },
  };
}

function parametersOf(operation: Operation, inPath: string | undefined): Json[] {
  const { properties, required } = parameterSchema(operation);
  const parameters = Object.entries(properties).map(([name, { description, ...schema }]) => {
    const given = Object.entries(examplesOf(operation))
      .filter(([, { query }]) => query[name] !== undefined)
      .map(([example, { query }]) => [example, { value: query[name] }]);
    if (name === 'variables') return { ...variablesOf(description), in: 'query' };
    return {
      name,
      in: name === inPath ? 'path' : 'query',
      ...(required.includes(name) && { required: true }),
      description,
      schema,
      ...(given.length > 0 && { examples: Object.fromEntries(given) }),
    };
  });
  return [...parameters, ref('parameters', 'ifNoneMatch')];
}

function requestBodyOf(operation: Operation): Json {
  const { variables, ...properties } = parameterSchema(operation).properties;
  const patternProperties = variables && variablesOf(variables.description).schema.patternProperties;
  const schema = { type: 'object', additionalProperties: false, properties, ...(variables && { patternProperties }) };
  const given = Object.entries(examplesOf(operation)).map(([name, { query }]) => [name, { value: query }]);
  return { required: true, content: { 'application/json': { schema, examples: Object.fromEntries(given) } } };
}

/** Returns the schema of user variable parameters; the form style takes their names from an object. */
const variablesOf = (description: unknown) => ({
  name: 'variables',
  description,
  style: 'form',
  explode: true,
  schema: { type: 'object', patternProperties: { '^var\\.': { type: 'string', description } } },
});

const responsesOf = (operation: Operation) =>
  Object.fromEntries(Object.entries(examplesOf(operation)).map(([name, { response }]) => [name, { value: response }]));

interface ParameterSchema {
  readonly properties: Readonly<Record<string, Json>>;
  readonly required: readonly string[];
}

/** Returns the parameters as they arrive. JSON Schema cannot express how a function parses text, so each has keywords of its own. */
function parameterSchema(operation: Operation): ParameterSchema {
  const [own, ...others] = (isJoined(operation) ? [operation] : joined(operation)).map((each) =>
    schemaOf(routes[each]),
  );
  if (own === undefined || others.length === 0) return own ?? { properties: {}, required: [] };
  // Which of them are required depends on which are given.
  return { properties: Object.assign({}, ...others.map(({ properties }) => properties), own.properties), required: [] };
}

function schemaOf({ parameters }: Route): ParameterSchema {
  const { properties = {}, required = [] } = z.toJSONSchema(parameters as z.ZodMiniObject, {
    io: 'input',
    unrepresentable: 'any',
  });
  return { properties: properties as Record<string, Json>, required };
}
