import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  paginateDescribeAlarms,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import {
  GetAccountSettingsCommand,
  InvokeCommand,
  LambdaClient,
  paginateListEventSourceMappings,
} from '@aws-sdk/client-lambda';
import { paginateListSubscriptionsByTopic, SNSClient } from '@aws-sdk/client-sns';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { MAILGUN_URLS } from '../../lambdas/adapters/mailgun/mailgun-client.ts';
import { awsSentence, isStackNotFound, StackNotFoundError, TargetUnavailableError } from '../errors.ts';
import { readStackDomains } from '../ledger.ts';
import { openClients, TIMES } from './clients.ts';
import { type Environment, environmentOf, readEnvironments } from './environments.ts';
import { judgeStack, stackNameOf } from './stack-state.ts';
import {
  type AlarmReport,
  type Deployment,
  fits,
  isAccessLog,
  LOG_GROUPS,
  type LogEntry,
  type LogFilter,
  type LogSource,
  parseLogEntry,
  type TargetRef,
  type TopicSubscriptions,
} from './types.ts';
import { cloudWatchSums, readUsage } from './usage.ts';

/** Longer than any function of the stack takes. */
const RESPONSE_TIMEOUT_MS = 910_000;

/** Opens the deployed stack of an environment of cdk.json, in its account and region, with the shell's credentials. */
export async function openAws(environment: string, environments = readEnvironments()): Promise<Deployment> {
  const stackName = stackNameOf(environment);
  const place = environmentOf(environments, environment);
  return openStack({ kind: 'aws', environment }, stackName, place, Object.keys(environments));
}

/** Opens a deployed stack with the shell's credentials; `known` are the existing environments. */
export async function openStack(
  ref: TargetRef,
  stackName: string,
  place: Environment,
  known: readonly string[] = [],
): Promise<Deployment> {
  const settings = { region: place.region, requestHandler: TIMES };
  const { outputs, state } = await readStack(stackName, place, known);
  const output = (key: string) => {
    const value = outputs.get(key);
    if (value === undefined) {
      const { fix } = judgeStack(state);
      throw new TargetUnavailableError(
        `the stack ${stackName} has no output ${key}${fix === undefined ? '; deploy this version' : `: it is ${state}; ${fix}`}`,
      );
    }
    return value;
  };
  const clients = openClients({ region: place.region });
  const table = { client: clients.table, name: outputs.get('TableName') ?? '' };
  const stackDomains = await readStackDomains(outputs.get('Domains') ?? '[]', table);
  const { atMailgun, former, discovered } = stackDomains;
  return {
    name: stackName,
    stackName,
    ref,
    state,
    domains: atMailgun.map(({ name }) => name),
    get furtherDomains() {
      return stackDomains.further;
    },
    discovered,
    clients,
    output,
    mailgunUrl(domain) {
      const found = [...atMailgun, ...former].find(({ name }) => name === domain);
      // Account-wide requests need no domain.
      if (found === undefined && discovered !== undefined) return MAILGUN_URLS[atMailgun[0]?.region ?? 'us'];
      if (found === undefined) throw new TargetUnavailableError(`${domain} is not one of the stack's domains`);
      return MAILGUN_URLS[found.region];
    },
    invoke: (functionName, event) => invoke(output(outputOfFunction(functionName)), functionName, event, settings),
    async logs(source, sinceMs, filter) {
      const entries: LogEntry[] = [];
      const pages = paginateFilterLogEvents(
        { client: new CloudWatchLogsClient(settings) },
        { logGroupName: output(LOG_GROUPS[source]), startTime: sinceMs, ...filterFor(source, filter) },
      );
      await reach(`the logs of ${source} cannot be read`, async () => {
        for await (const { events = [] } of pages) {
          for (const event of events) entries.push(parseLogEntry(event.timestamp ?? 0, event.message ?? ''));
        }
      });
      return entries.filter(fits(filter));
    },
    async alarms() {
      const alarms: AlarmReport[] = [];
      const topics = ['PageTopicArn', 'TicketTopicArn'].map((key) => outputs.get(key) ?? '');
      const pages = paginateDescribeAlarms(
        { client: new CloudWatchClient(settings) },
        { AlarmNamePrefix: `${stackName}-` },
      );
      await reach('the alarms cannot be read', async () => {
        for await (const { MetricAlarms = [] } of pages) {
          for (const {
            AlarmName = '',
            StateValue,
            StateTransitionedTimestamp,
            StateReason,
            AlarmDescription = '',
            AlarmActions = [],
          } of MetricAlarms) {
            // Names of other stacks, such as that of `Mail-eu` beside `Mail`, have the same prefix. One without actions
            // was silenced by hand, and is shown.
            if (AlarmActions.length > 0 && !AlarmActions.some((action) => topics.includes(action))) continue;
            alarms.push({
              name: AlarmName,
              state: StateValue ?? 'INSUFFICIENT_DATA',
              sinceMs: StateTransitionedTimestamp?.getTime(),
              reason: StateReason,
              description: AlarmDescription,
            });
          }
        }
      });
      return alarms;
    },
    async soundAlarm(AlarmName, StateReason) {
      const command = new SetAlarmStateCommand({ AlarmName, StateValue: 'ALARM', StateReason });
      await reach(`the alarm ${AlarmName} cannot be set`, () => new CloudWatchClient(settings).send(command));
    },
    audience: (alarmName) =>
      reach(`the subscriptions of ${alarmName} cannot be read`, () =>
        readAudience(alarmName, openAccount(place.region)),
      ),
    notifications: async () => undefined,
    usage: (nowMs) =>
      reach('what the stack took cannot be read', () =>
        readUsage({ output, stackName }, clients, cloudWatchSums(settings), nowMs),
      ),
  };
}

async function readStack(
  StackName: string,
  { account, region }: Environment,
  known: readonly string[],
): Promise<{ outputs: ReadonlyMap<string, string>; state: string | undefined }> {
  const { account: ours } = await reach(`the stack ${StackName} cannot be read`, () => openAccount(region).identity());
  if (account !== undefined && account !== ours) {
    throw new TargetUnavailableError(
      `the AWS credentials are those of account ${ours}, but cdk.json has ${StackName} in account ${account}`,
    );
  }
  const describe = new DescribeStacksCommand({ StackName });
  const { Stacks = [] } = await reach(`the stack ${StackName} cannot be read`, () =>
    new CloudFormationClient({ region, requestHandler: TIMES }).send(describe).catch((error) => {
      if (!isStackNotFound(error)) throw error;
      throw new StackNotFoundError(
        `there is no stack ${StackName} in ${region} of account ${ours}` +
          (known.length > 0 ? `; cdk.json knows ${known.join(', ')}` : ''),
      );
    }),
  );
  const { Outputs = [], StackStatus } = Stacks[0] ?? {};
  const outputs = new Map(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
  return { outputs, state: StackStatus };
}

/** Returns CloudWatch's filter pattern for the lines, as far as its syntax allows; the rest is filtered here. */
function filterFor(source: LogSource, { message, status }: LogFilter = {}) {
  const terms = [
    ...(message === undefined || isAccessLog(source) || /["\\*]/.test(message) ? [] : [`$.message = "*${message}*"`]),
    ...(status === undefined ? [] : [`$.status >= ${status.from}`, `$.status <= ${status.to}`]),
  ];
  return terms.length === 0 ? {} : { filterPattern: `{ ${terms.join(' && ')} }` };
}

/** Returns the output with a function's name: `ReadApiFunctionName` for `read-api`. */
function outputOfFunction(functionName: string): string {
  return `${functionName.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())}FunctionName`;
}

async function invoke(
  FunctionName: string,
  functionName: string,
  event: unknown,
  settings: { region: string },
): Promise<unknown> {
  // A repeated call would run beside the one whose reply is late.
  const lambda = new LambdaClient({
    ...settings,
    maxAttempts: 1,
    requestHandler: { requestTimeout: RESPONSE_TIMEOUT_MS, throwOnRequestTimeout: true },
  });
  const { FunctionError, Payload } = await reach(`${functionName} cannot be run`, () =>
    lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) })),
  );
  const payload = Buffer.from(Payload ?? []).toString('utf8');
  if (FunctionError !== undefined) throw new TargetUnavailableError(`${functionName} failed: ${payload}`);
  return JSON.parse(payload);
}

/** Calls AWS; a failure becomes one sentence. */
async function reach<Result>(sentence: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof TargetUnavailableError) throw cause;
    throw new TargetUnavailableError(`${sentence}: ${awsSentence(cause) ?? (cause as Error).message}`, { cause });
  }
}

/** Returns the topics that an alarm notifies. */
async function readAudience(alarmName: string, account: AwsAccount): Promise<TopicSubscriptions[]> {
  const { MetricAlarms = [] } = await new CloudWatchClient({ region: account.region, requestHandler: TIMES }).send(
    new DescribeAlarmsCommand({ AlarmNames: [alarmName] }),
  );
  const topics = (MetricAlarms[0]?.AlarmActions ?? []).filter((arn) => arn.includes(':sns:'));
  return Promise.all(
    topics.map(async (arn) => {
      const subscriptions = await account.subscriptions(arn);
      const count = (state: 'confirmed' | 'deleted') => subscriptions.filter((each) => each[state]).length;
      const pending = subscriptions.length - count('confirmed') - count('deleted');
      return { topic: arn.split(':').at(-1) ?? '', confirmed: count('confirmed'), pending };
    }),
  );
}

/** Reads for doctor about the account itself, rather than the stack. Errors are those of the SDK. */
export interface AwsAccount {
  readonly region: string;
  identity(): Promise<{ account: string; arn: string }>;
  /** Returns the version of the CDK bootstrap; undefined if account and region are not bootstrapped. */
  bootstrapVersion(): Promise<number | undefined>;
  /** Returns the region's concurrent executions: the total, and those not reserved for a function. */
  concurrency(): Promise<{ limit: number; unreserved: number }>;
  /** Returns the triggers of a function that Lambda reads for it: queues and streams. */
  triggers(functionName: string): Promise<Trigger[]>;
  /** Returns the subscriptions of a topic, confirmed or not. */
  subscriptions(topicArn: string): Promise<Subscription[]>;
}

export interface Trigger {
  /** ARN of the queue or stream. */
  readonly source: string;
  /** In Lambda's words: `Enabled`, `Disabled` … */
  readonly state: string;
  /** When it was last changed, its state included; epoch milliseconds. */
  readonly sinceMs: number;
}

export interface Subscription {
  readonly protocol: string;
  readonly endpoint: string;
  readonly confirmed: boolean;
  /** True if its subscriber has ended it; SNS keeps it for a while. */
  readonly deleted: boolean;
}

/** CDK's own, unless an environment names another. */
const BOOTSTRAP_QUALIFIER = 'hnb659fds';

export function openAccount(region: string, qualifier = BOOTSTRAP_QUALIFIER): AwsAccount {
  const settings = { region, requestHandler: TIMES };
  return {
    region,
    async identity() {
      const { Account = '', Arn = '' } = await new STSClient(settings).send(new GetCallerIdentityCommand({}));
      return { account: Account, arn: Arn };
    },
    async bootstrapVersion() {
      try {
        const { Parameter } = await new SSMClient(settings).send(
          new GetParameterCommand({ Name: `/cdk-bootstrap/${qualifier}/version` }),
        );
        return Number(Parameter?.Value);
      } catch (error) {
        if (error instanceof ParameterNotFound) return undefined;
        throw error;
      }
    },
    async concurrency() {
      const { AccountLimit } = await new LambdaClient(settings).send(new GetAccountSettingsCommand({}));
      const limit = AccountLimit?.ConcurrentExecutions ?? 0;
      return { limit, unreserved: AccountLimit?.UnreservedConcurrentExecutions ?? limit };
    },
    async triggers(FunctionName) {
      const found: Trigger[] = [];
      for await (const page of paginateListEventSourceMappings(
        { client: new LambdaClient(settings) },
        { FunctionName },
      )) {
        for (const { EventSourceArn = '', State = '', LastModified } of page.EventSourceMappings ?? []) {
          found.push({ source: EventSourceArn, state: State, sinceMs: LastModified?.getTime() ?? 0 });
        }
      }
      return found;
    },
    async subscriptions(TopicArn) {
      const found: Subscription[] = [];
      const pages = paginateListSubscriptionsByTopic({ client: new SNSClient(settings) }, { TopicArn });
      for await (const { Subscriptions = [] } of pages) {
        for (const { Protocol = '', Endpoint = '', SubscriptionArn = '' } of Subscriptions) {
          // Only a confirmed subscription has an ARN; in its place one may say "PendingConfirmation" or "Deleted".
          const confirmed = SubscriptionArn.startsWith('arn:');
          found.push({ protocol: Protocol, endpoint: Endpoint, confirmed, deleted: SubscriptionArn === 'Deleted' });
        }
      }
      return found;
    },
  };
}
