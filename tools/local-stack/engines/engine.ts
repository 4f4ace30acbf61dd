export interface EngineReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An AWS service on this machine with AWS's JSON protocol. */
export interface Engine {
  /** Calls an operation. Aborting `signal` stops waiting; the call may still take effect. */
  call(operation: string, body: Buffer, signal?: AbortSignal): Promise<EngineReply>;
}

/** Calls an engine and returns the parsed reply; throws with the engine's error message. */
export async function request<Reply>(
  engine: Engine,
  operation: string,
  input: unknown,
  signal?: AbortSignal,
): Promise<Reply> {
  const { status, body } = await engine.call(operation, Buffer.from(JSON.stringify(input)), signal);
  if (status !== 200) throw new Error(`${operation} returned ${status}: ${body.toString('utf8')}`);
  return JSON.parse(body.toString('utf8')) as Reply;
}

export function jsonReply(status: number, value: unknown, version: '1.0' | '1.1' = '1.0'): EngineReply {
  return {
    status,
    headers: { 'content-type': `application/x-amz-json-${version}` },
    body: Buffer.from(JSON.stringify(value)),
  };
}
