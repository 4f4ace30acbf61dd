import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createApi } from '../../../dashboard/api.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

/** A response whose body ends with an error, as it does where the connection is lost. */
function brokenOff(error: Error): Response {
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode('{"events":['));
      controller.error(error);
    },
  });
  return new Response(body, { status: 200 });
}

describe('a response of the read API', () => {
  const read = (signal = new AbortController().signal) =>
    createApi('https://api.example', 'token', signal).get('/health');
  const unreachable = { name: 'ApiError', failure: { kind: 'unreachable' } };

  test.each([
    ['does not begin', () => Promise.reject(new TypeError('fetch failed'))],
    ['breaks off', () => Promise.resolve(brokenOff(new TypeError('terminated')))],
    ['ends early', () => Promise.resolve(new Response('{"events":['))],
  ])('that %s is told as an API that is not reached', async (_, answer) => {
    jest.spyOn(globalThis, 'fetch').mockImplementation(answer);
    await expect(read()).rejects.toMatchObject(unreachable);
  });

  test('that nobody waits for any more ends with the reason of that', async () => {
    const reason = new Error('another view');
    jest.spyOn(globalThis, 'fetch').mockResolvedValue(brokenOff(reason));
    await expect(read(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
