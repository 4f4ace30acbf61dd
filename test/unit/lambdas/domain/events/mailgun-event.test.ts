import { expect, test } from '@jest/globals';
import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../../../lambdas/domain/json.ts';
import { deliveredEvent } from '../../../../support/webhooks.ts';

test('an event carries its facts, and itself', () => {
  const raw = deliveredEvent({ severity: 'Permanent', reason: 'Bounce', tags: ['News', 'news', '', 7, 'Offers'] });
  expect(parseEvent(raw)).toMatchObject({
    name: 'delivered',
    recipient: 'Ada@Example.org',
    messageId: '20260202023950.1.ABCDEF@mg.example.com',
    domain: 'mg.example.com',
    timeMs: 1_769_999_990_123,
    severity: 'permanent',
    reason: 'bounce',
    tags: ['news', 'offers'],
    isTestMode: false,
    isInbound: false,
    hasGivenUp: false,
  });
  expect(parseEvent(raw).raw).toBe(raw);
});

test.each(['message-id', 'Message-Id', 'Message-ID', 'MESSAGE-ID'])('the header %s names the message', (name) => {
  expect(parseEvent({ message: { headers: { [name]: '<1@x>' } } }).messageId).toBe('1@x');
});

test('of two such headers the one that Mailgun documents counts', () => {
  expect(parseEvent({ message: { headers: { 'Message-Id': 'a@x', 'message-id': 'b@x' } } }).messageId).toBe('b@x');
});

test.each<[bot: unknown, isByMachine: boolean]>([
  ['apple', true],
  ['gmail', true],
  ['generic', true],
  [true, true],
  ['no', false],
  ['No ', false],
  ['false', false],
  [false, false],
  ['', false],
  [null, false],
  [undefined, false],
])('a reader of whom Mailgun says bot: %j is a machine: %j', (bot, isByMachine) => {
  expect(parseEvent({ event: 'opened', 'client-info': { bot } as JsonObject }).isByMachine).toBe(isByMachine);
});

test.each<[name: string, event: JsonObject, isInbound: boolean]>([
  ['routed', { flags: { 'is-routed': true } }, true],
  ['of a route', { routes: [{ id: 'r' }] }, true],
  ['posted to a URL', { envelope: { transport: 'http' } }, true],
  ['sent by SMTP', { envelope: { transport: 'smtp' }, method: 'HTTP', routes: [] }, false],
  ['not routed', { flags: { 'is-routed': false } }, false],
])('mail that is %s is inbound: %j', (_name, event, isInbound) => {
  expect(parseEvent(event).isInbound).toBe(isInbound);
});

test.each<[over: JsonObject, hasGivenUp: boolean]>([
  [{ severity: 'temporary', reason: 'old' }, true],
  [{ severity: 'temporary', 'delivery-status': { code: 602 } }, true],
  [{ severity: 'temporary', 'delivery-status': { code: '602' } }, true],
  [{ severity: 'temporary', reason: 'generic' }, false],
  [{ severity: 'permanent', reason: 'old' }, false],
  [{ reason: 'old' }, false],
])('after a failure of %j Mailgun has given up: %j', (over, hasGivenUp) => {
  expect(parseEvent({ event: 'failed', ...over }).hasGivenUp).toBe(hasGivenUp);
});
