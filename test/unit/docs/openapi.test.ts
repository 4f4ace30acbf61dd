import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createRoutes } from '../../../lambdas/read-api/routes.ts';
import { answerExamples, description, faults, operations } from '../../support/openapi.ts';

// docs/openapi.yaml against the code, both ways.

const source = ['handler', 'routes']
  .map((name) => readFileSync(join(import.meta.dirname, `../../../lambdas/read-api/${name}.ts`), 'utf8'))
  .join('\n');

test('a validator of OpenAPI 3.1 takes the description', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(description));
  expect(errors).toBeUndefined();
  expect([valid, validator.version]).toEqual([true, '3.1']);
});

test('it describes every route of the code, and no other', () => {
  const described = operations.map(({ method, path }) => `${method} ${path}`);
  const coded = createRoutes({} as never).flatMap(({ method, path }) => {
    const bare = path.replace(/\/\{.*\}$/, '');
    return [...new Set([path, bare])].map((each) => `${method} /mailgun${each}`);
  });
  expect(described.toSorted()).toEqual(coded.toSorted());
});

test('it describes every status of the code, and no other', () => {
  const pattern = /\b(?:status|statusCode): (\d{3})|\b(?:refusal|jsonAnswer)\((\d{3})/g;
  const coded = new Set([...source.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? ''));
  // The gateway's own.
  coded.add('429');
  const described = new Set(operations.flatMap(({ responses }) => Object.keys(responses)));
  expect([...described].toSorted()).toEqual([...coded].toSorted());
});

test('it describes every reason of the code, and no other', () => {
  const coded = new Set([...source.matchAll(/(?:reason: |refusal\(\d{3}, )'([a-z-]+)'/g)].map((match) => match[1]));
  const { Refusal, BadParameter } = description.components.schemas;
  const described = [...Refusal.properties.reason.enum, BadParameter.properties.reason.const];
  expect(described.toSorted()).toEqual([...coded].toSorted());
});

describe.each(operations)('$method $path', (operation) => {
  const { method, path, parameters, responses } = operation;
  const takesParameters = path !== '/mailgun/health';

  test('answers what such a route can answer', () => {
    const statuses = ['200', '401', '405', '429', '503'];
    if (takesParameters) statuses.push('400');
    if (method === 'GET') statuses.push('304');
    if (path.startsWith('/mailgun/messages')) statuses.push('404');
    expect(Object.keys(responses)).toEqual(statuses.toSorted());
  });

  test('has examples of all its answers, which are as described', () => {
    for (const status of Object.keys(responses)
      .filter((each) => each !== '304')
      .map(Number)) {
      const examples = Object.entries(answerExamples(operation, status));
      expect(examples.length).toBeGreaterThan(0);
      for (const [name, body] of examples)
        expect([status, name, faults(operation, status, body)]).toEqual([status, name, []]);
    }
  });

  test('has an example of a request for each example of an answer', () => {
    const named = new Set(
      [...parameters, ...Object.values(operation.requestBody?.content ?? {})].flatMap((each) =>
        Object.keys(each.examples ?? {}),
      ),
    );
    // Where an answer is described for two routes, either may have the request.
    const answers = Object.keys(answerExamples(operation, 200));
    expect([...named].filter((name) => !answers.includes(name))).toEqual([]);
    expect(named.size > 0).toBe(takesParameters);
  });
});
