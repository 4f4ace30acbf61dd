import { errorFacts } from '../../../../lambdas/runtime/log.ts';

test('what adapters noted on an error is logged with it', () => {
  const error = Object.assign(new Error('read ECONNRESET'), { call: 'SQS SendMessage', secret: 'ApiKeySecretArn' });

  expect(errorFacts(error)).toMatchObject({
    ...{ error: 'Error', detail: 'read ECONNRESET', call: 'SQS SendMessage', secret: 'ApiKeySecretArn' },
  });
});

test('the text of a syntax error quotes its input, and is not logged', () => {
  expect(errorFacts(new SyntaxError('Unexpected token in secret'))).toMatchObject({
    error: 'SyntaxError',
    detail: undefined,
  });
});
