import { mock } from 'node:test';
import { ApiError, createApi, type Failure, unlessUnfit } from '../../../dashboard/api.ts';

afterEach(() => {
  mock.restoreAll();
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
  ])('that %s is reported as an unreachable API', async (_, response) => {
    mock.method(globalThis, 'fetch', response);
    await expect(read()).rejects.toMatchObject(unreachable);
  });

  test('that is aborted ends with the reason of the abort', async () => {
    const reason = new Error('another view');
    mock.method(globalThis, 'fetch', async () => brokenOff(reason));
    await expect(read(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('data that a view can do without', () => {
  test.each<Failure>([
    { kind: 'unknown', reason: 'unknown-message' },
    { kind: 'failed', status: 400, reason: 'bad-parameter' },
  ])('are undefined if the API refuses the request: %j', async (failure) => {
    await expect(unlessUnfit(Promise.reject(new ApiError(failure)))).resolves.toBeUndefined();
  });

  test.each<Failure>([{ kind: 'refused' }, { kind: 'unreachable' }, { kind: 'busy', retrySeconds: 5 }])(
    'are an error while the API fails: %j',
    async (failure) => {
      await expect(unlessUnfit(Promise.reject(new ApiError(failure)))).rejects.toMatchObject({ failure });
    },
  );
});
