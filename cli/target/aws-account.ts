import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { paginateListSubscriptionsByTopic, SNSClient } from '@aws-sdk/client-sns';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

/** What doctor asks of the account itself, rather than of the stack. Errors are those of the SDK. */
export interface AwsAccount {
  readonly region: string;
  identity(): Promise<{ account: string; arn: string }>;
  /** Version of the CDK bootstrap; undefined where the account and region have none. */
  bootstrapVersion(): Promise<number | undefined>;
  /** Functions that may run at once in the region, in all and without those reserved for some function. */
  concurrency(): Promise<{ limit: number; unreserved: number }>;
  /** Of a topic, whether somebody confirmed them or not. */
  subscriptions(topicArn: string): Promise<Subscription[]>;
}

export interface Subscription {
  readonly protocol: string;
  readonly endpoint: string;
  readonly confirmed: boolean;
}

const BOOTSTRAP_PARAMETER = '/cdk-bootstrap/hnb659fds/version';

export function openAccount(region: string): AwsAccount {
  const settings = { region };
  return {
    region,
    async identity() {
      const { Account = '', Arn = '' } = await new STSClient(settings).send(new GetCallerIdentityCommand({}));
      return { account: Account, arn: Arn };
    },
    async bootstrapVersion() {
      try {
        const { Parameter } = await new SSMClient(settings).send(
          new GetParameterCommand({ Name: BOOTSTRAP_PARAMETER }),
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
    async subscriptions(TopicArn) {
      const found: Subscription[] = [];
      const pages = paginateListSubscriptionsByTopic({ client: new SNSClient(settings) }, { TopicArn });
      for await (const { Subscriptions = [] } of pages) {
        for (const { Protocol = '', Endpoint = '', SubscriptionArn = '' } of Subscriptions) {
          // Until somebody confirms it, it has no ARN.
          found.push({ protocol: Protocol, endpoint: Endpoint, confirmed: SubscriptionArn.startsWith('arn:') });
        }
      }
      return found;
    },
  };
}
