import { awsSentence, TargetUnavailableError } from './errors.ts';
import type { Deployment, LogEntry, LogFilter, LogSource } from './target/types.ts';

/** Returns the lines of a log, or in a sentence why it cannot be read, for commands that do without. */
export async function readLogs(
  deployment: Pick<Deployment, 'logs'>,
  source: LogSource,
  sinceMs: number,
  filter?: LogFilter,
): Promise<LogEntry[] | string> {
  try {
    return await deployment.logs(source, sinceMs, filter);
  } catch (error) {
    const why = error instanceof TargetUnavailableError ? error.message : awsSentence(error);
    if (why === undefined) throw error;
    return why;
  }
}
