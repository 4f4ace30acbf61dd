import { errorFacts } from '../../../../lambdas/runtime/log.ts';

test('details that adapters added to an error are logged', () => {
  const error = Object.assign(new Error('read ECONNRESET'), { call: 'SQS SendMessage', secret: 'ApiKeySecretArn' });

  expect(errorFacts(error)).toMatchObject({
    error: 'Error',
    detail: 'read ECONNRESET',
    call: 'SQS SendMessage',
    secret: 'ApiKeySecretArn',
  });
});

test('the message of a syntax error, which quotes its input, is not logged', () => {
  expect(errorFacts(new SyntaxError('Unexpected token in secret'))).toMatchObject({
    error: 'SyntaxError',
    detail: undefined,
  });
});
