/** What each does is in `fault-effects.ts`. */
const FAULT_MODES = [
  'refuse',
  '500',
  'throttle',
  'delay',
  'slow',
  'hang',
  'drop-reply',
  'truncate',
  'duplicate',
  'partial',
  'index-lag',
  'index-throttle',
] as const;

export type FaultMode = (typeof FAULT_MODES)[number];

/** A percentage of the calls of one operation, and how they fail. */
export interface Fault {
  readonly service: string;
  /** `*`: every operation of the service. */
  readonly operation: string;
  readonly mode: FaultMode;
  readonly percent: number;
}

/** Operations, by service, that the stack, its event sources or its operator call. */
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  dynamodb: [
    ...['BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'DescribeTable', 'GetItem', 'PutItem', 'Query', 'Scan'],
    ...['TransactGetItems', 'TransactWriteItems', 'UpdateItem'],
  ],
  sqs: [
    ...['ChangeMessageVisibility', 'ChangeMessageVisibilityBatch', 'DeleteMessage', 'DeleteMessageBatch'],
    ...['GetQueueAttributes', 'GetQueueUrl', 'PurgeQueue', 'ReceiveMessage', 'SendMessage', 'SendMessageBatch'],
  ],
  secretsmanager: ['DescribeSecret', 'GetSecretValue', 'PutSecretValue'],
  events: ['PutEvents'],
  cloudwatch: ['DescribeAlarms'],
};
const SERVICES = Object.keys(OPERATIONS);

/** Operations that a mode is limited to. */
const ONLY_FOR: Partial<Record<FaultMode, readonly string[]>> = {
  duplicate: ['sqs.SendMessage', 'sqs.SendMessageBatch'],
  partial: [
    'dynamodb.BatchWriteItem',
    'dynamodb.BatchGetItem',
    'sqs.SendMessageBatch',
    'sqs.DeleteMessageBatch',
    'sqs.ChangeMessageVisibilityBatch',
    'events.PutEvents',
  ],
  'index-lag': ['dynamodb.Query'],
  // Without deletes, although AWS throttles them too: see `index-writes.ts`.
  'index-throttle': ['dynamodb.PutItem', 'dynamodb.UpdateItem'],
};

/** Parses `<service>.<operation>:<mode>:<percent>`; returns an error message if it is invalid. */
export function parseFault(text: string): Fault | string {
  const parsed = /^([a-z0-9]+)\.(\*|[A-Za-z]+):([a-z0-9-]+):(\d+(?:\.\d+)?)$/.exec(text);
  if (!parsed) return `"${text}" is not <service>.<operation>:<mode>:<percent>`;
  const [, service = '', operation = '', mode = '', percent] = parsed;
  return checkFault({ service, operation, mode, percent: Number(percent) });
}

/** Formats a fault as `--fault` takes it. */
export const faultText = ({ service, operation, mode, percent }: Fault) => `${service}.${operation}:${mode}:${percent}`;

/** Returns a fault from the fields of `POST /faults`, or an error message. */
export function checkFault(parts: unknown): Fault | string {
  const { service, operation, mode, percent } = (parts ?? {}) as Record<string, unknown>;
  if (typeof service !== 'string' || !SERVICES.includes(service)) {
    return `service must be one of ${SERVICES.join(', ')}, not ${JSON.stringify(service)}`;
  }
  const operations = OPERATIONS[service] ?? [];
  if (typeof operation !== 'string' || !['*', ...operations].includes(operation)) {
    return `operation of ${service} must be one of ${operations.join(', ')} or *, not ${JSON.stringify(operation)}`;
  }
  if (!isMode(mode)) return `mode must be one of ${FAULT_MODES.join(', ')}, not ${JSON.stringify(mode)}`;
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) {
    return `percent must be from 0 to 100, not ${JSON.stringify(percent)}`;
  }
  const only = ONLY_FOR[mode];
  if (only && !only.includes(`${service}.${operation}`)) return `${mode} is for ${only.join(' or ')}`;
  return { service, operation, mode, percent };
}

function isMode(mode: unknown): mode is FaultMode {
  return FAULT_MODES.includes(mode as FaultMode);
}

/** Selects the calls that fail: the same random numbers and calls give the same faults. */
export class FaultSource {
  readonly random: () => number;
  #faults: readonly Fault[] = [];

  /** `random` returns numbers from 0 to below 1. */
  constructor(random: () => number, faults: readonly Fault[] = []) {
    this.random = random;
    this.#faults = faults;
  }

  replace(faults: readonly Fault[]): void {
    this.#faults = faults;
  }

  has(mode: FaultMode): boolean {
    return this.#faults.some((fault) => fault.mode === mode);
  }

  /** Returns the mode of the first fault that hits this call, in the order given. */
  strike(service: string, operation: string): FaultMode | undefined {
    return this.#faults
      .filter((fault) => fault.service === service && (fault.operation === '*' || fault.operation === operation))
      .find((fault) => this.random() * 100 < fault.percent)?.mode;
  }
}
