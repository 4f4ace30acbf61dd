import { matchRoute, parseRoute } from '../../../../../tools/local-stack/http-api/routes.ts';

const ROUTES = [
  '$default',
  'ANY /{proxy+}',
  'ANY /mailgun/{proxy+}',
  'GET /mailgun/messages/{id}',
  'GET /mailgun/messages/latest',
  'ANY /mailgun/messages/latest',
  'POST /webhooks/mailgun',
].map((key) => parseRoute(key, key));

test.each([
  { request: 'GET /mailgun/messages/latest', route: 'GET /mailgun/messages/latest', parameters: {} },
  { request: 'PUT /mailgun/messages/latest', route: 'ANY /mailgun/messages/latest', parameters: {} },
  { request: 'GET /mailgun/messages/7', route: 'GET /mailgun/messages/{id}', parameters: { id: '7' } },
  { request: 'GET /mailgun/messages/a/b', route: 'ANY /mailgun/{proxy+}', parameters: { proxy: 'messages/a/b' } },
  { request: 'OPTIONS /mailgun/stats', route: 'ANY /mailgun/{proxy+}', parameters: { proxy: 'stats' } },
  { request: 'POST /webhooks/mailgun', route: 'POST /webhooks/mailgun', parameters: {} },
  { request: 'GET /webhooks/mailgun', route: 'ANY /{proxy+}', parameters: { proxy: 'webhooks/mailgun' } },
  { request: 'GET /', route: '$default', parameters: {} },
])('$request goes to $route', ({ request, route, parameters }) => {
  const [method = '', path = ''] = request.split(' ');

  const match = matchRoute(ROUTES, method, path);

  expect(match?.route.key).toBe(route);
  expect(match?.pathParameters).toEqual(parameters);
});

test.each(['GET /webhooks/mailgun', 'POST /webhooks/mailgun/', 'POST /webhooks', 'POST /webhooks/mailgun/x', 'POST /'])(
  '%s has no route where only POST /webhooks/mailgun is one',
  (request) => {
    const [method = '', path = ''] = request.split(' ');

    expect(matchRoute([parseRoute('POST /webhooks/mailgun', null)], method, path)).toBeUndefined();
  },
);

test('{proxy+} does not match an empty path', () => {
  const routes = [parseRoute('ANY /mailgun/{proxy+}', null)];

  expect(matchRoute(routes, 'GET', '/mailgun')).toBeUndefined();
  expect(matchRoute(routes, 'GET', '/mailgun/')).toBeUndefined();
});
