import type { KMSClient } from '@aws-sdk/client-kms';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { LedgerDomains } from '../../lambdas/domain/ledger/ledger-domains.ts';
import { whyUnavailable } from '../errors.ts';
import type { MonthlyUsage, TableState } from '../planning/capacity.ts';

/** A running ledger, on this machine or on AWS. */
export interface Deployment {
  /** Display name. */
  readonly name: string;
  /** Name of the stack: the prefix of its alarms, and the dimension of its metrics. */
  readonly stackName: string;
  readonly ref: TargetRef;
  /** CloudFormation's status of the stack; undefined for a local one. */
  readonly state?: string | undefined;
  /** Sending domains that Mailgun has. */
  readonly domains: readonly string[];
  /** Other domains under which events may be stored: no longer configured or at Mailgun, or not listed by it. */
  readonly furtherDomains?: readonly string[];
  /** Present where all domains of the Mailgun account have a ledger. */
  readonly discovered?: LedgerDomains | undefined;
  readonly clients: Clients;
  /** Returns an output of the stack; throws a TargetUnavailableError if it does not exist. */
  output(key: string): string;
  /** Returns the base URL of Mailgun's API for a domain of the stack. */
  mailgunUrl(domain: string): string;
  /** Hosts of Mailgun that let a request wait in vain; where given, they get no further one. */
  readonly silentHosts?: Set<string>;
  /** Runs a function of the stack, by its short name, and returns its result. */
  invoke(functionName: string, event: unknown): Promise<unknown>;
  /** Returns log lines since a time (epoch milliseconds) that match the filter, oldest first. */
  logs(source: LogSource, sinceMs: number, filter?: LogFilter): Promise<LogEntry[]>;
  alarms(): Promise<AlarmReport[]>;
  /** Sets an alarm off until its next evaluation. */
  soundAlarm(name: string, reason: string): Promise<void>;
  /** Returns the topics that an alarm notifies. */
  audience(alarmName: string): Promise<TopicSubscriptions[]>;
  /** Returns the messages of the topics, oldest first; undefined where only subscribers can see it. */
  notifications(): Promise<TopicMessage[] | undefined>;
  /** Returns its usage in the thirty days before a time (epoch milliseconds), or since there was anything to measure. */
  usage(nowMs: number): Promise<StackUsage>;
}

/** The usage in a number of seconds, and the configuration of the table. */
export interface StackUsage extends MonthlyUsage {
  readonly seconds: number;
  readonly table: TableState;
}

/** Returns true where the stack has this output: what an environment is configured without has none. */
export function hasOutput(deployment: Pick<Deployment, 'output'>, key: string): boolean {
  try {
    return deployment.output(key) !== '';
  } catch {
    // It throws for no other reason.
    return false;
  }
}

export type TargetRef =
  | { readonly kind: 'local'; readonly port?: number | undefined }
  | { readonly kind: 'aws'; readonly environment: string }
  | { readonly kind: 'stack'; readonly stackName: string; readonly region: string };

/** Both places speak the same protocols: these work on the local engines too. */
export interface Clients {
  readonly table: DynamoDBDocumentClient;
  readonly queues: SQSClient;
  readonly secrets: SecretsManagerClient;
  readonly archive: S3Client;
  readonly signing: KMSClient;
}

/** The sources of logs by short name, with the output that names the log group. */
export const LOG_GROUPS = {
  ingest: 'IngestLogGroup',
  process: 'ProcessLogGroup',
  reconcile: 'ReconcileLogGroup',
  'read-api': 'ReadApiLogGroup',
  publish: 'PublishLogGroup',
  deliver: 'DeliverLogGroup',
  seal: 'SealLogGroup',
  notify: 'NotifyLogGroup',
  'webhook-access': 'WebhookAccessLogGroup',
  'read-access': 'ReadAccessLogGroup',
} as const;

export type LogSource = keyof typeof LOG_GROUPS;

export const isAccessLog = (source: LogSource) => source.endsWith('-access');

export interface LogEntry {
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** The line as an object; `{message}` where it was no JSON. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface AlarmReport {
  readonly name: string;
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  /** Since when, epoch milliseconds; undefined where it is not known. */
  readonly sinceMs: number | undefined;
  /** By which figures it came into its state, in CloudWatch's words. */
  readonly reason?: string | undefined;
  readonly description: string;
}

/** A topic, and how many subscriptions it has. */
export interface TopicSubscriptions {
  readonly topic: string;
  readonly confirmed: number;
  readonly pending: number;
}

/** A message of a topic; `message` as CloudWatch writes it. */
export interface TopicMessage {
  readonly topic: string;
  readonly subject: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Selects log lines; all given filters must match. */
export interface LogFilter {
  /** Part of a function's message, or of any value of an access log's line, which has no message. */
  readonly message?: string | undefined;
  /** Status codes of an access log, both ends included. */
  readonly status?: StatusRange | undefined;
}

export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** Returns true if a line fits a filter. */
export const fits =
  ({ message, status }: LogFilter = {}) =>
  ({ facts }: LogEntry) => {
    const code = Number(facts.status);
    return (
      (message === undefined || textsOf(facts).some((text) => text.includes(message))) &&
      (status === undefined || (code >= status.from && code <= status.to))
    );
  };

const textsOf = (facts: LogEntry['facts']) =>
  typeof facts.message === 'string' ? [facts.message] : Object.values(facts).map(String);

/** Parses a log line, which is usually JSON. */
export function parseLogEntry(atMs: number, line: string): LogEntry {
  try {
    const facts: unknown = JSON.parse(line);
    if (typeof facts === 'object' && facts !== null && !Array.isArray(facts)) {
      return { atMs, facts: facts as LogEntry['facts'] };
    }
  } catch {
    // Not every line is ours.
  }
  return { atMs, facts: { message: line } };
}

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
    const why = whyUnavailable(error);
    if (why === undefined) throw error;
    return why;
  }
}
