import { messageOf } from '../../../cli/access.ts';

test.each<[string, unknown, string]>([
  ['its message', { message: 'no such domain' }, '404 no such domain'],
  ['the Description of account webhooks', { Description: 'not found' }, '404 not found'],
  ['the Description beside a null message', { message: null, Description: 'not found' }, '404 not found'],
  ['the Description beside a blank message', { message: ' ', Description: 'not found' }, '404 not found'],
  ['its message beside a Description that is no text', { message: 'no', Description: { code: 7 } }, '404 no'],
  ['its status where neither is a text', { message: null, Description: 7 }, '404'],
  ['its status where it is no object', 'gone', '404'],
  ['its status where it is empty', undefined, '404'],
])('the reason of a refusal by Mailgun is %s', (_what, body, text) => {
  expect(messageOf({ status: 404, body })).toBe(text);
});
