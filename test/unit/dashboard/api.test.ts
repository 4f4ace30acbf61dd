import { mock } from 'node:test';
import {
  ApiError,
  createApi,
  type Failure,
  unlessFailed,
  unlessUnfit,
  unlessUnreadable,
} from '../../../dashboard/api.ts';

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

  test('that never comes is reported as an unreachable API', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    mock.method(
      globalThis,
      'fetch',
      (_: string, { signal }: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const reading = read();
    mock.timers.tick(45_000);
    await expect(reading).rejects.toMatchObject(unreachable);
    mock.timers.reset();
  });

  test('that is aborted ends with the reason of the abort', async () => {
    const reason = new Error('another view');
    mock.method(globalThis, 'fetch', async () => brokenOff(reason));
    await expect(read(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

test('a search reads a failing API as a failure, and not as nothing found', async () => {
  const failing = () => Promise.reject(new ApiError({ kind: 'failed', status: 500, reason: 'broken' }));
  await expect(unlessUnfit(failing())).rejects.toMatchObject({ failure: { status: 500 } });
  await expect(unlessFailed(failing())).resolves.toBeUndefined();
});

describe('data that a view can do without', () => {
  test.each<Failure>([
    { kind: 'unknown', reason: 'unknown-message' },
    { kind: 'failed', status: 400, reason: 'bad-parameter' },
  ])('are undefined if the API refuses the request: %j', async (failure) => {
    await expect(unlessUnfit(Promise.reject(new ApiError(failure)))).resolves.toBeUndefined();
  });

  test.each<Failure>([
    { kind: 'unreachable' },
    { kind: 'busy', retrySeconds: 5 },
    { kind: 'unknown', reason: 'unknown-message' },
    { kind: 'unexpected', reason: 'no object' },
    { kind: 'failed', status: 503, reason: 'unavailable' },
  ])('are undefined if they cannot be read, for a reason that is passed on: %j', async (failure) => {
    const passedOn: Failure[] = [];
    const read = unlessUnreadable(Promise.reject(new ApiError(failure)), (each) => passedOn.push(each));
    await expect(read).resolves.toBeUndefined();
    expect(passedOn).toEqual([failure]);
  });

  test('are an error if the API refuses the token', async () => {
    const refused = { kind: 'refused' } as const;
    const read = unlessUnreadable(Promise.reject(new ApiError(refused)), () => {});
    await expect(read).rejects.toMatchObject({ failure: refused });
  });

  test.each<Failure>([{ kind: 'refused' }, { kind: 'unreachable' }, { kind: 'busy', retrySeconds: 5 }])(
    'are an error while the API fails: %j',
    async (failure) => {
      await expect(unlessUnfit(Promise.reject(new ApiError(failure)))).rejects.toMatchObject({ failure });
    },
  );
});
