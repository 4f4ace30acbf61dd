import * as z from 'zod/mini';
import { ROUTES } from '../../lambdas/contract.ts';
import { type Operation, pathFormOf, readRoutes } from '../routes.ts';
import { examples } from './examples.ts';
import { operationTexts } from './operations.ts';
import { SHARED_RESPONSES, sharedHeaders, sharedResponses } from './refusals.ts';
import { responseSchemas } from './schemas.ts';

type Json = { readonly [key: string]: unknown };

const DESCRIPTION = `Reads what is stored of Mailgun's events: by message, by recipient, by day, and the ledger that accounts for them.

Every response is JSON. More fields may be added; clients ignore what they do not know. Lists come in pages: \`next\`
in the body is a cursor, and the \`Link\` header of a GET names the next page whole. A cursor is good for the query
it was made for and for no other; \`limit\` may change on the way. A page may hold fewer entries than \`limit\`, even
none, while \`next\` is not null. A walk over all pages returns everything that was there when it began, and nothing
twice.

Parameters are strict: an unknown name, a name that is given twice, an empty or impossible value, a domain or type that
this ledger does not have are a 400 that names what is valid. Prefer the query form of a route to the path form: an HTTP
API decodes a path before the function sees it, and what follows a decoded \`?\` may be cut off. An unknown id or an
address without \`@\` in a path is a 400 therefore.

Browsers: CORS for the exact origins of the configuration, on errors too. Only the gateway's own responses (429, and
413 for bodies over 10 MB) come without.
`;

const DOMAIN = 'mg.example.com';
const RECEIVER = 'crm';
const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const ifNoneMatch = {
  name: 'If-None-Match',
  in: 'header',
  description: 'Entity tags that the client holds; 304 where one of them is still right.',
  schema: { type: 'string' },
};

const routes = readRoutes([DOMAIN], [RECEIVER]);
type Route = (typeof routes)[Operation];

/** Returns the description of the API, generated from its schemas. */
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
      { name: 'sending', description: 'To be read before a mail is sent.' },
      { name: 'ledger', description: 'Whether everything is there.' },
      { name: 'receivers', description: 'What became of the deliveries to receivers.' },
    ],
    paths: Object.assign({}, ...(Object.keys(routes) as Operation[]).map(pathsOf)),
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token generated at deploy, or a JWT where the configuration says so (`readApi.jwt`).',
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
    summary: inPath === undefined ? summary : `The same, with the ${inPath} in the path, which cannot carry each one.`,
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

/** Parameters as they arrive. What a function makes of a text, JSON Schema cannot say: their own keywords do. */
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
