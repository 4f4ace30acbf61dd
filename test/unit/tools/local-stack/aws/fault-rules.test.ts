import {
  checkFault,
  type Fault,
  FaultSource,
  faultText,
  parseFault,
} from '../../../../../tools/local-stack/aws/fault-rules.ts';
import { createRandom } from '../../../../../tools/mailgun-twin/random.ts';

const EVERY_CALL: Fault = { service: 'sqs', operation: 'SendMessage', mode: 'refuse', percent: 100 };

test.each([
  {
    text: 'dynamodb.PutItem:500:12.5',
    fault: { service: 'dynamodb', operation: 'PutItem', mode: '500', percent: 12.5 },
  },
  { text: 'sqs.*:drop-reply:100', fault: { service: 'sqs', operation: '*', mode: 'drop-reply', percent: 100 } },
  { text: 'sqs.SendMessage:duplicate:5', fault: { ...EVERY_CALL, mode: 'duplicate', percent: 5 } },
  {
    text: 'dynamodb.Query:index-lag:50',
    fault: { service: 'dynamodb', operation: 'Query', mode: 'index-lag', percent: 50 },
  },
])('parses $text', ({ text, fault }) => {
  expect(parseFault(text)).toEqual(fault);
  expect(faultText(fault as Fault)).toBe(text);
});

test.each([
  { text: 'sqs.SendMessage:500', error: 'is not <service>.<operation>:<mode>:<percent>' },
  { text: 'sqs:500:5', error: 'is not <service>.<operation>:<mode>:<percent>' },
  {
    text: 's3.PutObject:500:5',
    error: 'service must be one of dynamodb, sqs, secretsmanager, events, cloudwatch, not "s3"',
  },
  { text: 'sqs.SendMesage:500:5', error: 'operation of sqs must be one of ChangeMessageVisibility, ' },
  { text: 'dynamodb.SendMessage:500:5', error: 'or *, not "SendMessage"' },
  { text: 'sqs.SendMessage:explode:5', error: 'mode must be one of refuse, 500' },
  { text: 'sqs.SendMessage:500:101', error: 'percent must be from 0 to 100, not 101' },
  { text: 'dynamodb.PutItem:duplicate:5', error: 'duplicate is for sqs.SendMessage or sqs.SendMessageBatch' },
  { text: 'dynamodb.GetItem:index-lag:5', error: 'index-lag is for dynamodb.Query' },
])('refuses $text', ({ text, error }) => {
  expect(parseFault(text)).toContain(error);
});

test.each([undefined, null, 7, 'x', {}, [], { ...EVERY_CALL, percent: '5' }, { ...EVERY_CALL, operation: '' }])(
  'a fault from outside is checked: %j',
  (parts) => {
    expect(typeof checkFault(parts)).toBe('string');
  },
);

test('a fault strikes only the named operation', () => {
  const faults = new FaultSource(() => 0.5, [EVERY_CALL]);

  expect(faults.strike('sqs', 'SendMessage')).toBe('refuse');
  expect(faults.strike('sqs', 'ReceiveMessage')).toBeUndefined();
  expect(faults.strike('dynamodb', 'SendMessage')).toBeUndefined();
});

test('* strikes every operation of its service, and the first fault given comes first', () => {
  const faults = new FaultSource(() => 0.5, [{ ...EVERY_CALL, operation: '*', mode: 'hang' }, EVERY_CALL]);

  expect(faults.strike('sqs', 'SendMessage')).toBe('hang');
  expect(faults.strike('sqs', 'DeleteMessage')).toBe('hang');
});

test('a fault strikes about its share of calls, the same ones for the same random numbers', () => {
  const strikes = (seed: number) => {
    const faults = new FaultSource(createRandom(seed).next, [{ ...EVERY_CALL, percent: 20 }]);
    return Array.from({ length: 2000 }, () => faults.strike('sqs', 'SendMessage') !== undefined);
  };

  expect(strikes(7)).toEqual(strikes(7));
  expect(strikes(7)).not.toEqual(strikes(8));
  expect(strikes(7).filter(Boolean).length).toBeGreaterThan(340);
  expect(strikes(7).filter(Boolean).length).toBeLessThan(460);
});

test('no call fails once the faults are removed', () => {
  const faults = new FaultSource(() => 0.5, [EVERY_CALL]);

  faults.replace([]);

  expect(faults.strike('sqs', 'SendMessage')).toBeUndefined();
});
