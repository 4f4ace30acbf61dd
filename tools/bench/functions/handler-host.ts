// Hosts one handler in a process of its own: runs the received events in sequence, as Lambda does, and replies with
// what they cost.
import { createRequire } from 'node:module';

export interface HostReply {
  /** CPU time of this process in microseconds. */
  readonly cpuMicros: number;
  /** What the handler returned for each event. */
  readonly returned: readonly unknown[];
}

if (process.send) serve(process.send.bind(process));

function serve(send: (reply: HostReply | 'ready') => void): void {
  const { handler } = createRequire(import.meta.url)(process.argv[2] ?? '');
  const context = {
    awsRequestId: 'bench',
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    memoryLimitInMB: '512',
    getRemainingTimeInMillis: () => 5000,
  };
  process.once('disconnect', () => process.exit(0));
  process.on('message', async (events: string[]) => {
    const returned: unknown[] = [];
    const before = process.cpuUsage();
    for (const event of events) returned.push(await handler(JSON.parse(event), context));
    const { user, system } = process.cpuUsage(before);
    send({ cpuMicros: user + system, returned });
  });
  send('ready');
}
