import { awsSentence, TargetUnavailableError, UsageError, usingFile } from '../../../cli/errors.ts';

const error = (name: string, message: string, over: object = {}) =>
  Object.assign(new Error(message), { name, ...over });
const NO_RESPONSE = { $metadata: { attempts: 3, totalRetryDelay: 120 } };

test.each([
  ['a response', error('ThrottlingException', 'Rate exceeded', { $metadata: { httpStatusCode: 400 } })],
  ['a service whose error has no status', error('KMSInvalidStateException', 'disabled', { $metadata: {} })],
])('%s is what AWS returned', (_, given) => {
  expect(awsSentence(given)).toBe(`AWS returned ${given.name}: ${given.message}`);
});

test.each([
  ['a request that hangs', error('TimeoutError', 'no response in 10 s', NO_RESPONSE)],
  ['a broken connection', error('Error', 'socket hang up', { code: 'ECONNRESET', ...NO_RESPONSE })],
  ["a certificate that is not AWS's", error('Error', 'self-signed', { code: 'SELF_SIGNED_CERT', ...NO_RESPONSE })],
  ['a region that does not exist', error('Error', 'getaddrinfo ENOTFOUND sts.eu-wset-1', { code: 'ENOTFOUND' })],
])('%s is no response of AWS', (_, given) => {
  expect(awsSentence(given)).toBe(`AWS cannot be reached: ${given.message}`);
});

test.each([
  error('InvalidSignatureException', 'Signature expired: 20261122T080000Z is now earlier than 20261122T081000Z', {
    $metadata: { httpStatusCode: 400 },
  }),
  error('SignatureDoesNotMatch', 'Signature not yet current: 20261122T090000Z', { $metadata: { httpStatusCode: 403 } }),
  error('RequestTimeTooSkewed', 'The difference is too large.', { $metadata: { httpStatusCode: 403 } }),
])('a wrong clock is not called a wrong key: $message', (given) => {
  expect(awsSentence(given)).toBe(`AWS refuses the clock of this machine, so set it: ${given.message}`);
});

test('an error of this program is none of AWS', () => {
  expect(awsSentence(error('Error', 'no such file', { code: 'ENOENT' }))).toBeUndefined();
});

test.each([
  ['EACCES', 'x cannot be written: your user may not; change its permissions'],
  ['EMFILE', 'x cannot be written: EMFILE'],
])('a file that fails with %s is a usage error with what to do, as far as it is known', async (code, message) => {
  const fails = async () => {
    throw error('Error', `${code}: open`, { code, syscall: 'open' });
  };
  await expect(usingFile('x cannot be written', fails)).rejects.toEqual(new UsageError(message));
});

test('a full disk is no wrong usage', async () => {
  const fails = async () => {
    throw error('Error', 'ENOSPC: write', { code: 'ENOSPC', syscall: 'write' });
  };
  await expect(usingFile('x cannot be written', fails)).rejects.toEqual(
    new TargetUnavailableError('x cannot be written: the disk is full; make room, then go on'),
  );
});

test('an error that no file caused passes as it is', async () => {
  const given = new TypeError('a bug');
  const fails = () => {
    throw given;
  };
  await expect(usingFile('x cannot be read', fails)).rejects.toBe(given);
});
