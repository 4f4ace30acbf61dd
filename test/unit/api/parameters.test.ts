import { type RawParameters, readParameters } from '../../../api/read-parameters.ts';
import { type Operation, type ReadRoutes, readRoutes } from '../../../api/routes.ts';

const OURS = ['mg.example.com', 'news.example.com'];

function read(operation: Operation, raw: RawParameters, domains = OURS) {
  return readParameters<ReadRoutes[Operation]['parameters']>(
    readRoutes(domains, ['crm', 'audit'])[operation].parameters,
    raw,
  );
}

describe('parsing a valid parameter returns', () => {
  const domain = 'mg.example.com';
  test.each<[Operation, RawParameters, object]>([
    ['getMessage', { id: ' <a@b> ' }, { id: 'a@b', limit: 100 }],
    ['getMessage', { id: 'x', limit: '1000', cursor: 'c' }, { id: 'x', limit: 1000, cursor: 'c' }],
    ['getLedger', { domain: 'MG.Example.com' }, { domain }],
    ['getLedger', { domain, from: '1769990000', to: '1769999000.5' }, { from: 1769990000000, to: 1769999000500 }],
    ['getLedger', { domain, from: '2026-02-01' }, { from: 1769904000000 }],
    ['getLedger', { domain, from: '2026-02-02T01:00:00+01:00' }, { from: 1769990400000 }],
    ['getLedger', { domain, from: '2026-02-02T01:00 01:00' }, { from: 1769990400000 }],
    ['listEvents', { domain: '-' }, { domain: '-' }],
    ['listEvents', { domain, day: '2024-02-29' }, { day: 1709164800000 }],
    ['listEvents', { domain, type: 'Opened' }, { type: 'opened' }],
    ['getStats', { domain, tag: '' }, { tag: '' }],
    ['getStats', { domain, tag: 'News' }, { tag: 'news' }],
    ['listEvents', { domain, tag: 'News', severity: 'Permanent' }, { tag: 'news', severity: 'permanent' }],
    ['listEvents', { domain, subject: 'Your *' }, { subject: 'Your *' }],
    ['listEvents', { domain, 'var.order': '7', 'var.a': '' }, { variables: { a: '', order: '7' } }],
    ['searchEvents', { recipient: 'a@b', 'var.order': '7' }, { variables: { order: '7' } }],
    ['getSuppressions', { address: 'a@b', tag: 'News' }, { tag: ['news'] }],
    ['getReceivers', {}, { hours: 24 }],
    ['getReceivers', { hours: '168' }, { hours: 168 }],
    ['listDeliveries', { receiver: 'crm', message: '<a@b>', state: 'Dead' }, { message: 'a@b', state: 'dead' }],
    ['getSuppressions', { address: 'a@b', tag: ['News', 'x'] }, { tag: ['news', 'x'] }],
  ])('%s %j', (operation, raw, expected) => {
    expect(read(operation, raw)).toMatchObject({ ok: true, query: expected });
  });

  test('the order of query variables does not matter', () => {
    const text = (raw: RawParameters) => JSON.stringify(read('listEvents', { domain, ...raw }));
    expect(text({ 'var.b': '1', 'var.a': '2' })).toBe(text({ 'var.a': '2', 'var.b': '1' }));
  });

  test.each(['variables', ' variables'])('the name "%s" is not a parameter', (name) => {
    expect(read('listEvents', { domain, [name]: 'x' })).toMatchObject({ ok: false, parameter: name.trim() });
  });

  test('the domain is optional if there is only one', () => {
    expect(read('listEvents', {}, ['mg.example.com'])).toMatchObject({ query: { domain: 'mg.example.com' } });
    expect(read('listEvents', {})).toEqual({ ok: false, parameter: 'domain', message: 'domain is missing' });
  });
});

describe('an invalid parameter is reported with its name and the valid values:', () => {
  const address = 'a@b.example';
  test.each<[Operation, RawParameters, string, string]>([
    ['getMessage', {}, 'id', 'is missing'],
    ['getMessage', { id: '<>' }, 'id', 'must be a message id'],
    ['getMessage', { id: ['a', 'b'] }, 'id', 'must be given once, as text'],
    ['getMessage', { id: 'x', limit: '1e2' }, 'limit', 'must be a whole number from 1 to 1000'],
    ['getMessage', { id: 'x', tpye: 'y' }, 'tpye', 'is not a parameter of this route, which takes id, limit, cursor'],
    ['getReceivers', { hours: '169' }, 'hours', 'must be a whole number from 1 to 168'],
    ['listDeliveries', { receiver: 'cmr' }, 'receiver', 'must be one of crm, audit'],
    [
      'listDeliveries',
      { receiver: 'crm', state: 'lost' },
      'state',
      'must be one of published, waiting, acknowledged, dead',
    ],
    ['getHealth', { verbose: '1' }, 'verbose', 'is not a parameter of this route'],
    ['getRecipient', { address: 'undefined' }, 'address', 'must be one address like ada@example.org'],
    ['getSuppressions', { address, domain: '' }, 'domain', 'must be one of mg.example.com, news.example.com'],
    [
      'getSuppressions',
      { address, domain: 'mg.exmaple.com' },
      'domain',
      'must be one of mg.example.com, news.example.com',
    ],
    ['getSuppressions', { address, domain: ['mg.example.com', 'x'] }, 'domain', 'must be given once, as text'],
    ['getSuppressions', { address, tag: '' }, 'tag', 'must be a tag of a mail, not empty and not *'],
    ['getSuppressions', { address, tag: ['news', ''] }, 'tag', 'must be a tag of a mail, not empty and not *'],
    ['getSuppressions', { address, tag: '*' }, 'tag', 'must be a tag of a mail, not empty and not *'],
    ['listEvents', { domain: 'mg.example.com', day: '2026-02-30' }, 'day', 'must be a day like 2026-02-03 that exists'],
    [
      'listEvents',
      { domain: 'mg.example.com', subject: '' },
      'subject',
      'must be a subject, or its beginning with * behind it',
    ],
    ['listEvents', { domain: 'mg.example.com', severity: 'hard' }, 'severity', 'must be one of temporary, permanent'],
    ['listEvents', { domain: 'mg.example.com', tag: ['a', 'b'] }, 'tag', 'must be given once, as text'],
    ['listEvents', { domain: 'mg.example.com', 'var.': '7' }, 'var.', 'must name a variable, once, as text'],
    ['listEvents', { domain: 'mg.example.com', 'var.a': ['7', '8'] }, 'var.a', 'must name a variable, once, as text'],
    [
      'getStats',
      { domain: 'mg.example.com', 'var.a': '7' },
      'var.a',
      'is not a parameter of this route, which takes domain, tag, by, per, from, to',
    ],
    ['searchEvents', { recipient: ['x'] }, 'recipient', 'must be given once, as text'],
    ['searchEvents', { recipient: address, limit: true }, 'limit', 'must be given once, as text'],
  ])('%s %j', (operation, raw, parameter, message) => {
    expect(read(operation, raw)).toEqual({ ok: false, parameter, message: `${parameter} ${message}` });
  });

  test.each(['permanent_fail', 'bounced', '', 'opened,clicked', '__proto__'])(
    'parsing refuses the event type "%s"',
    (type) => {
      expect(read('listEvents', { domain: 'mg.example.com', type })).toMatchObject({
        parameter: 'type',
        message: expect.stringMatching(/^type must be one of accepted, .*failed, .*other$/),
      });
    },
  );

  test.each(['2026-02-30', '2026-02-30T00:00:00Z', '2026-13-01', 'yesterday', '-1', '2026-02-02T00:00:00', ''])(
    'parsing refuses the time "%s"',
    (from) => {
      expect(read('getLedger', { domain: 'mg.example.com', from })).toMatchObject({ ok: false, parameter: 'from' });
    },
  );
});
