/** Calls a task again and again, whatever else is under way; returns what ends it. */
export function every(ms: number, task: () => Promise<void>): () => void {
  const timer = setInterval(() => void task(), ms);
  return () => clearInterval(timer);
}
