import { request } from 'node:http';

interface LocalhostResponse {
  readonly status: number;
  readonly body: string;
}

/** Like fetch, but resolves every name below `localhost` to this machine. */
export function call(
  url: string,
  method: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<LocalhostResponse> {
  if (!new URL(url).hostname.endsWith('localhost')) {
    return fetch(url, { method, headers, ...(body && { body }) }).then(async (response) => ({
      status: response.status,
      body: await response.text(),
    }));
  }
  return new Promise((resolve, reject) => {
    const lookup = ((_host: string, _options: object, found: (error: null, at: object[]) => void) =>
      found(null, [{ address: '127.0.0.1', family: 4 }])) as never;
    const outgoing = request(url, { method, headers, lookup }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: text }));
    });
    outgoing.on('error', reject).end(body);
  });
}
