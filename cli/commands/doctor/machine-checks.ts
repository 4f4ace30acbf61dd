import type { AwsAccount } from '../../target/aws.ts';
import type { Environment } from '../../target/environments.ts';

/** One line of `doctor --json`: what was checked, what was found, and what fixes it. */
export interface DoctorLine {
  readonly event: 'check';
  readonly check: string;
  /** `skipped`: there is nothing to check here, such as an AWS account for the local stack. */
  readonly state: 'ok' | 'warning' | 'wrong' | 'unknown' | 'skipped';
  readonly says: string;
  /** A command, or what a person is to do; null where nothing is. */
  readonly fix: string | null;
}

export type Finding =
  | { readonly state: 'ok' | 'skipped'; readonly says: string; readonly fix?: undefined }
  | { readonly state: 'warning' | 'wrong' | 'unknown'; readonly says: string; readonly fix: string };

/** One check. An error is reported as unknown, with its message. */
export interface Check {
  readonly name: string;
  readonly check: () => Promise<Finding>;
  /** The fix where it cannot check. @default to fix the lines above, or to use other credentials */
  readonly unknownFix?: string;
}

export const ok = (says: string): Finding => ({ state: 'ok', says });
export const warning = (says: string, fix: string): Finding => ({ state: 'warning', says, fix });
export const wrong = (says: string, fix: string): Finding => ({ state: 'wrong', says, fix });
export const skipped = (says: string): Finding => ({ state: 'skipped', says });

/** This machine, as far as the command line and the local stack need it. */
interface Machine {
  /** Like `24.21.0`. */
  readonly nodeVersion: string;
  /** The output of `java -version`; undefined without Java. */
  readonly readJavaVersion: () => Promise<string | undefined>;
  /** True if npm installed the engine that needs no Java. */
  readonly hasDynoxide: boolean;
}

/** The local stack runs the functions, as Lambda does; commands run on older ones. */
const LOCAL_NODE_MAJOR = 24;
const NODE_MAJOR = 20;
const JAVA_MAJOR = 17;

export function machineChecks({ nodeVersion, readJavaVersion, hasDynoxide }: Machine, isLocal: boolean): Check[] {
  return [
    {
      name: 'Node',
      check: async () => {
        const needed = isLocal ? LOCAL_NODE_MAJOR : NODE_MAJOR;
        if (Number.parseInt(nodeVersion, 10) >= needed) return ok(nodeVersion);
        return wrong(`${nodeVersion}, but ${needed} is needed`, 'npm ci, then: npm run ledger -- doctor');
      },
    },
    {
      name: 'Java',
      check: async () => {
        if (!isLocal) return skipped('needed by the local stack only');
        if (hasDynoxide) return skipped('the local stack runs on dynoxide');
        const text = await readJavaVersion();
        const fix = `install Java ${JAVA_MAJOR}: apt-get install openjdk-17-jre-headless, or brew install openjdk@17`;
        if (text === undefined) return wrong('not installed, but the local stack needs it', fix);
        const major = javaMajor(text);
        return major >= JAVA_MAJOR ? ok(String(major)) : wrong(`${major}, but ${JAVA_MAJOR} is needed`, fix);
      },
    },
  ];
}

/** `version "1.8.0_292"` is 8; `version "17.0.9"` is 17. */
function javaMajor(text: string): number {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return Number(first === '1' ? second : first);
}

/** The AWS account behind a stack; undefined for the local one. */
export interface AccountContext {
  /** Name of the environment, or of the stack. */
  readonly name: string;
  /** The environment in cdk.json; undefined for a stack of another app. */
  readonly environment: Environment | undefined;
  readonly account: AwsAccount;
}

/** New accounts get 10, and often 50 a while later. */
const FEW_EXECUTIONS = 100;
/** The time that ingest takes for one webhook, with its calls: two writes of some 10 ms each, and a margin. */
const WEBHOOK_SECONDS = 0.1;
/** Executions that process may take beside ingest, as the stack limits it by default. */
const PROCESS_EXECUTIONS = 5;
const CONCURRENCY_QUOTA = 'L-B99A9384';

const NOT_HERE = skipped('not on this machine');

export function accountChecks(place: AccountContext | undefined): Check[] {
  return [
    { name: 'credentials', check: async () => (place ? credentials(place) : NOT_HERE) },
    { name: 'bootstrap', check: async () => (place ? bootstrap(place) : NOT_HERE) },
    { name: 'concurrency', check: async () => (place ? concurrency(place) : NOT_HERE) },
  ];
}

async function credentials({ name, environment, account }: AccountContext) {
  const { account: ours, arn } = await account.identity();
  const says = `${arn} in ${account.region}`;
  if (environment === undefined) return ok(says);
  const wanted = environment.account;
  if (wanted !== undefined && wanted !== ours) {
    return wrong(
      `of account ${ours}, but cdk.json has ${name} in ${wanted}`,
      `take credentials of ${wanted}: AWS_PROFILE=<profile> npm run ledger -- doctor --env ${name}`,
    );
  }
  if (wanted === undefined) {
    return warning(
      `${says}; cdk.json names no account, so any account is accepted`,
      `put "account": "${ours}" into cdk.json`,
    );
  }
  return ok(says);
}

async function bootstrap({ name, environment, account }: AccountContext) {
  const version = await account.bootstrapVersion();
  if (version !== undefined) return ok(`version ${version} in ${account.region}`);
  return wrong(
    `${account.region} of this account has none`,
    environment === undefined ? 'npx cdk bootstrap' : `npx cdk bootstrap -c env=${name}`,
  );
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
