import { expect, test } from '@jest/globals';
import { suppressionsOf } from '../../../../lambdas/domain/suppression.ts';

const to = (event: object) => ({ recipient: 'a@b.example', ...event });
const permanent = (over: object) => to({ event: 'failed', severity: 'permanent', ...over });
const bounce = (reason: string | null) => [{ kind: 'bounce', scope: '*', reason }];
const unsubscribed = (tags: unknown) => to({ event: 'unsubscribed', tags });
const scopes = (...names: string[]) => names.map((scope) => ({ kind: 'unsubscribe', scope, reason: null }));

test.each([
  ['bounce', permanent({ reason: 'bounce' }), bounce('bounce')],
  ['earlier bounce', permanent({ reason: 'suppress-bounce' }), bounce('suppress-bounce')],
  ['hard by type', permanent({ reason: 'generic', 'delivery-status': { 'bounce-type': 'hard' } }), bounce('generic')],
  [
    'hard by type, without reason',
    permanent({ 'delivery-status': { 'bounce-type': 'HARD', code: 550 } }),
    bounce(null),
  ],
  ['generic', permanent({ reason: 'generic' }), []],
  ['given up as old', permanent({ reason: 'old', 'delivery-status': { 'bounce-type': 'hard' } }), []],
  ['no MX', permanent({ reason: 'bounce', 'delivery-status': { code: 498 } }), []],
  ['no connection', permanent({ reason: 'bounce', 'delivery-status': { code: 499 } }), []],
  ['too old by code', permanent({ reason: 'bounce', 'delivery-status': { code: '602' } }), []],
  ['temporary', to({ event: 'failed', severity: 'temporary', reason: 'bounce' }), []],
  ['unknown severity', to({ event: 'failed', reason: 'bounce' }), []],
  ['complaint', to({ event: 'complained' }), [{ kind: 'complaint', scope: '*', reason: null }]],
  ['unsubscribed from everything', unsubscribed(['*']), scopes('*')],
  ['unsubscribed from tags, doubled', unsubscribed(['news', 'offers', 'news']), scopes('news', 'offers')],
  ['tags and everything', unsubscribed(['news', '*']), scopes('*')],
  ['without tags', unsubscribed([]), scopes('*')],
  ['tags of mixed types', unsubscribed(['news', 7, '', null]), scopes('news')],
  ['tags of another type', unsubscribed({ news: true }), scopes('*')],
  ['as many tags as Mailgun allows', unsubscribed([...'abcdefghij']), scopes(...'abcdefghij')],
  ['more tags than Mailgun allows', unsubscribed(Array.from({ length: 11 }, (_, n) => `t${n}`)), scopes('*')],
  ['delivered', to({ event: 'delivered' }), []],
  ['nobody to suppress', { event: 'complained' }, []],
])('%s', (_name, event, expected) => {
  expect(suppressionsOf(event as never)).toEqual(expected);
});
