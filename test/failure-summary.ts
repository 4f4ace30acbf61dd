import type { AggregatedResult, Reporter } from '@jest/reporters';

/** Names each test that failed at the end of a run, where they can be found in a long log. */
export default class FailureSummary implements Pick<Reporter, 'onRunComplete'> {
  onRunComplete(_: unknown, { testResults }: AggregatedResult): void {
    for (const file of testResults) {
      const failed = file.testResults.filter(({ status }) => status === 'failed');
      for (const { ancestorTitles, title } of failed) console.error(`  ● ${[...ancestorTitles, title].join(' › ')}`);
    }
  }
}
