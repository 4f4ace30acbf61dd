import { ASSUMED, AWS_LIMITS, type LoadPlan } from '../../../cli/planning/capacity.ts';

/** Stack settings and account quotas of a simulation. */
export interface SimulatedStack {
  readonly domains: number;
  readonly throttlePerSecond: number;
  readonly throttleBurst: number;
  readonly batchSize: number;
  readonly maxConcurrency: number;
  readonly shards: number;
  readonly parallel: number;
  readonly sliceSeconds: number;
  readonly settleSeconds: number;
  readonly everySeconds: number;
  readonly secondPassSeconds: number;
  readonly executions: number;
  readonly gatewayPerSecond: number;
  /** Writes a second that the table accepts before its first peak. */
  readonly warmWritesPerSecond: number;
  readonly tableWritesPerSecond: number;
  /** Seconds that ingest spends on a webhook, and process on a batch. */
  readonly ingestSeconds: number;
  readonly batchSeconds: number;
}

/** Default settings in an account with AWS's default quotas. */
export const DEFAULT_STACK: SimulatedStack = {
  domains: 1,
  throttlePerSecond: 1000,
  throttleBurst: 2000,
  batchSize: 10,
  maxConcurrency: 5,
  shards: 1,
  parallel: 8,
  sliceSeconds: 900,
  settleSeconds: 1800,
  everySeconds: 900,
  secondPassSeconds: 43_200,
  executions: AWS_LIMITS.executions,
  gatewayPerSecond: AWS_LIMITS.gatewayPerSecond,
  warmWritesPerSecond: AWS_LIMITS.newTableWritesPerSecond,
  tableWritesPerSecond: AWS_LIMITS.tableWritesPerSecond,
  ingestSeconds: ASSUMED.ingestSeconds,
  batchSeconds: ASSUMED.batchSeconds,
};

/** Returns the stack with the settings, quotas and warm table of a plan. */
export function plannedStack({ settings, quotas, warmWritesPerSecond }: LoadPlan): SimulatedStack {
  const warm = warmWritesPerSecond ?? DEFAULT_STACK.warmWritesPerSecond;
  return { ...DEFAULT_STACK, ...settings, ...quotas, warmWritesPerSecond: warm };
}
