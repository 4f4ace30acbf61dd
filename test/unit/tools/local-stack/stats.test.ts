import { createLog } from '../../../../lambdas/runtime/log.ts';
import { createStats } from '../../../../tools/local-stack/stats.ts';

test('adds up logged metrics since the start, each line once, however many lines are still kept', () => {
  const listeners: ((line: string) => void)[] = [];
  const stats = createStats({
    aws: { usage: { total: () => ({}), byCaller: () => ({}) }, permissions: { unused: () => ({}) } },
    functions: { processes: () => ({}) },
    board: { states: () => ({}) },
    log: { bytes: 0, listen: (listener: (line: string) => void) => listeners.push(listener) },
  } as never);
  const say = (line: string) => {
    for (const listener of listeners) listener(line);
  };
  expect(stats().logged).toEqual({});
  const log = createLog('ledger', () => 0, say);
  log.count('Refused', 'webhook refused', { reason: 'signature' });
  log.count('Refused', 'webhooks refused', { reason: 'signature' }, 250);
  log.count('Stored', 'stored');
  log.write('no metric', { Refused: 7 });
  say('no JSON');
  expect(stats().logged).toEqual({ Refused: 251, Stored: 1 });
});
