import type { AwsAccount } from '../../target/aws-account.ts';
import type { Environment } from '../../target/environments.ts';
import { type Check, ok, skipped, warning, wrong } from './check.ts';

/** The AWS account behind an environment; undefined for the local stack. */
export interface AccountContext {
  readonly name: string;
  readonly environment: Environment;
  readonly account: AwsAccount;
}

/** New accounts get 10, and often 50 a while later. */
const FEW_EXECUTIONS = 100;
/** What ingest takes for one webhook, with its calls: two writes of some 10 ms each, and a margin. */
const WEBHOOK_SECONDS = 0.1;
/** Executions that process may take beside ingest, as the stack limits it by default. */
const PROCESS_EXECUTIONS = 5;
const CONCURRENCY_QUOTA = 'L-B99A9384';

const NOT_HERE = skipped('not on this machine');

export function accountChecks(place: AccountContext | undefined): Check[] {
  return [
    { name: 'credentials', look: async () => (place ? credentials(place) : NOT_HERE) },
    { name: 'bootstrap', look: async () => (place ? bootstrap(place) : NOT_HERE) },
    { name: 'concurrency', look: async () => (place ? concurrency(place) : NOT_HERE) },
  ];
}

async function credentials({ name, environment, account }: AccountContext) {
  const { account: ours, arn } = await account.identity();
  const wanted = environment.account;
  if (wanted !== undefined && wanted !== ours) {
    return wrong(
      `of account ${ours}, but cdk.json has ${name} in ${wanted}`,
      `take credentials of ${wanted}: AWS_PROFILE=<profile> npm run ledger -- doctor --env ${name}`,
    );
  }
  const says = `${arn} in ${account.region}`;
  if (wanted === undefined) {
    return warning(`${says}; cdk.json names no account, so any is taken`, `put "account": "${ours}" into cdk.json`);
  }
  return ok(says);
}

async function bootstrap({ name, account }: AccountContext) {
  const version = await account.bootstrapVersion();
  if (version !== undefined) return ok(`version ${version} in ${account.region}`);
  return wrong(`${account.region} of this account has none`, `npx cdk bootstrap -c env=${name}`);
}

async function concurrency({ account }: AccountContext) {
  const { limit, unreserved } = await account.concurrency();
  const forIngest = Math.max(1, unreserved - PROCESS_EXECUTIONS);
  const perSecond = Math.floor(forIngest / WEBHOOK_SECONDS);
  const says =
    `${limit} functions at once, ${unreserved} of them not reserved: about ${perSecond} webhooks a second ` +
    `(estimated: ${WEBHOOK_SECONDS} s a webhook, ${PROCESS_EXECUTIONS} executions left to process)`;
  if (unreserved > FEW_EXECUTIONS) return ok(says);
  return warning(
    says,
    `aws service-quotas request-service-quota-increase --region ${account.region} --service-code lambda ` +
      `--quota-code ${CONCURRENCY_QUOTA} --desired-value 1000`,
  );
}
