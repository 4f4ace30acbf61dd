import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiPage } from '../../../api/openapi/write.ts';
import { pathFormOf, readRoutes } from '../../../api/routes.ts';
import { description, faults, operations, responseExamples } from '../../support/openapi.ts';

// docs/openapi.yaml against the schemas that it is generated from.

test('docs/openapi.yaml is up to date with the schemas', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs/openapi.yaml'), 'utf8')).toBe(openApiPage());
});

test('a validator of OpenAPI 3.1 accepts the description', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(description));
  expect(errors).toBeUndefined();
  expect([valid, validator.version]).toEqual([true, '3.1']);
});

test('the description has every route, by query and by path', () => {
  const described = operations.map(({ method, path }) => `${method} ${path}`);
  const routes = Object.values(readRoutes(['mg.example.com'], ['crm'])).flatMap((route) => [
    `${route.method} /mailgun${route.path}`,
    ...(route.inPath === undefined ? [] : [`${route.method} /mailgun${pathFormOf(route)}`]),
  ]);
  // A path that two operations share is described once.
  expect(described.toSorted()).toEqual([...new Set(routes)].toSorted());
});

test('every parameter of the description has a description', () => {
  const parameters = operations.flatMap((operation) => [
    ...operation.parameters,
    ...Object.values(operation.requestBody?.content['application/json'].schema.properties ?? {}),
  ]);
  expect(parameters.length).toBeGreaterThan(30);
  expect(parameters.filter((parameter) => !(parameter as { description?: string }).description)).toEqual([]);
});

describe.each(operations)('$method $path', (operation) => {
  const { method, path, parameters, responses } = operation;
  const takesParameters = path !== '/mailgun/health';

  test('lists the statuses that the route can return', () => {
    const statuses = ['200', '400', '401', '405', '429', '503'];
    if (method === 'GET') statuses.push('304');
    if (path.startsWith('/mailgun/messages')) statuses.push('404');
    expect(Object.keys(responses)).toEqual(statuses.toSorted());
  });

  test('has a valid example of each of its responses', () => {
    for (const status of Object.keys(responses)
      .filter((each) => each !== '304')
      .map(Number)) {
      const examples = Object.entries(responseExamples(operation, status));
      expect(examples.length).toBeGreaterThan(0);
      for (const [name, body] of examples)
        expect([status, name, faults(operation, status, body)]).toEqual([status, name, []]);
    }
  });

  test('has an example request for each example response', () => {
    const named = new Set(
      [...parameters, ...Object.values(operation.requestBody?.content ?? {})].flatMap((each) =>
        Object.keys(each.examples ?? {}),
      ),
    );
    // Where two routes share a response, either may have the request.
    const examples = Object.keys(responseExamples(operation, 200));
    expect([...named].filter((name) => !examples.includes(name))).toEqual([]);
    expect(named.size > 0).toBe(takesParameters);
  });
});
