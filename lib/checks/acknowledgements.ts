/** A rule of AWS's good practice that some resources break, and why they do. */
interface Acknowledgement {
  /** Rule name in cdk-nag. */
  readonly rule: string;
  /** Paths of the resources below the stack; all that match break the rule, and no other does. */
  readonly on: RegExp;
  readonly because: string;
}

const LEDGER_FUNCTIONS = /^(Ingest|Process|Reconcile|Publish|Deliver|Seal|ReadApi|Notify)\/Function\/Resource$/;
/** CDK's own function, which copies the page into its bucket at a deploy. */
const PAGE_COPIER = /^Custom::CDKBucketDeployment\w+\/Resource$/;
const DISTRIBUTION = /^Dashboard\/Distribution\/Resource$/;

/** Acknowledged findings; a test fails if one is no longer needed. */
export const ACKNOWLEDGEMENTS: readonly Acknowledgement[] = [
  {
    rule: 'AwsSolutions-SMG4',
    on: /^Secrets\/(SigningKeys|ApiKey)\/Resource$/,
    because: 'Mailgun makes these keys, and knows no overlap: an operator rotates them by `keys rotate`',
  },
  {
    rule: 'AwsSolutions-SMG4',
    on: /^Secrets\/ApiToken\/Resource$/,
    because: 'A token that rotates by itself locks out its clients: an operator rotates it, by `token rotate`',
  },
  {
    rule: 'AwsSolutions-SMG4',
    on: /^Secrets\/(ErasureKey|SubjectKey)\/Resource$/,
    because: 'Keys of hashes that are stored or known elsewhere: rotated, they would find nothing again',
  },
  {
    rule: 'AwsSolutions-SMG4',
    on: /^Deliver\/[^/]+\/Secret\/Resource$/,
    because: 'A receiver must learn the new secret while the old one still signs: an operator rotates it, by a command',
  },
  {
    rule: 'AwsSolutions-SMG4',
    on: /^Notify\/Targets\/Resource$/,
    because: 'The services make these URLs and keys, and rotate them at their own console',
  },
  {
    rule: 'Serverless-SNSRedrivePolicy',
    on: /^Notify\/Function\/(Page|Ticket)\/Resource$/,
    because: 'SNS itself retries a function for 23 days; what a service does not take is in the log of notify',
  },
  {
    rule: 'AwsSolutions-DDB3',
    on: /^Table\/Table\/Resource$/,
    because: 'Point-in-time recovery is on unless the configuration says otherwise, in prod only with an archive',
  },
  {
    rule: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]',
    on: /^TableBackup\/Plan\/Table\/Role\/Resource$/,
    because: 'What AWS Backup may do to make a copy, as AWS itself words it; it changes with the service',
  },
  {
    rule: 'AwsSolutions-APIG4',
    on: /^WebhookApi\/Http\/Api\/[^/]+\/Resource$/,
    because: 'Mailgun signs what it sends, and the function verifies it: no authorizer sees the body',
  },
  {
    rule: 'AwsSolutions-APIG4',
    on: /^ReadApi\/Http\/Api\/[^/]+\/Resource$/,
    because: 'The function checks the token itself: an authorizer would refuse preflights, and respond without CORS',
  },
  {
    rule: 'Serverless-APIGWStructuredLogging',
    on: /^(WebhookApi|ReadApi)\/Http\/Stage\/Resource$/,
    because: 'It is JSON once written; the status has no quotes, because metric filters compare it as a number',
  },
  {
    rule: 'Serverless-SQSRedrivePolicy',
    on: /^(Events\/DeadLetters|Publish\/Failures|Deliver\/[^/]+\/DeadLetters)\/Resource$/,
    because: 'Where failures end; an alarm watches it, and an operator empties it',
  },
  {
    rule: 'AwsSolutions-SQS3',
    on: /^Publish\/Failures\/Resource$/,
    because: "It is the stream's queue of failures, which the rule does not see",
  },
  {
    rule: 'Serverless-LambdaDLQ',
    on: /^(Ingest|Process|Reconcile|Publish|Deliver|Seal|ReadApi)\/Function\/Resource$/,
    because: 'Called by a gateway, a queue, a stream or a schedule that comes again: no asynchronous call is lost',
  },
  {
    rule: 'Serverless-LambdaDLQ',
    on: /^Notify\/Function\/Resource$/,
    because:
      'Called by SNS asynchronously, three times in all, or for six hours where it is throttled; an alarm reports errors',
  },
  {
    rule: 'Serverless-LambdaDLQ',
    on: PAGE_COPIER,
    because: 'CloudFormation waits for its response, and fails the deploy without one',
  },
  {
    rule: 'Serverless-LambdaEventSourceMappingDestination',
    on: /^(Process|Deliver)\/Function\/SqsEventSource:[^/]+\/Resource$/,
    because: 'A destination is for streams; what fails here stays in the queue, and ends in its DLQ',
  },
  {
    rule: 'Serverless-LambdaAsyncFailureDestination',
    on: /^(Reconcile|Seal)\/Function\/EventInvokeConfig\/Resource$/,
    because: 'The next scheduled run does what a failed one left, and an alarm reports runs that fail',
  },
  {
    rule: 'Serverless-LambdaTracing',
    on: LEDGER_FUNCTIONS,
    because: 'Each line logged names request and event; traces would cost as much again and show no more',
  },
  {
    rule: 'Serverless-LambdaTracing',
    on: PAGE_COPIER,
    because: 'It runs at a deploy, and CloudFormation reports its result',
  },
  {
    rule: 'AwsSolutions-L1',
    on: PAGE_COPIER,
    because: 'Its runtime is that of the pinned CDK, and moves with it',
  },
  {
    rule: 'Serverless-LambdaLatestVersion',
    on: PAGE_COPIER,
    because: 'Its runtime is that of the pinned CDK, and moves with it',
  },
  {
    rule: 'Serverless-SNSRedrivePolicy',
    on: /^Topics\/(Page|Ticket)\/(?!Policy\/)[^/]+\/Resource$/,
    because: 'An alarm that could not be reported stays on and is shown; a notice that comes hours late misleads',
  },
  {
    rule: 'AwsSolutions-S1',
    on: /^Dashboard\/Bucket\/Resource$/,
    because: 'It holds the page and no data, and CloudFront alone reads it',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::<DashboardBucketA782FB5B.Arn>/*]',
    on: /^Dashboard\/DeploymentPolicy\/Resource$/,
    because: "The files of the page are named after their contents, and their bucket is the page's alone",
  },
  {
    rule: 'AwsSolutions-S1',
    on: /^Seal\/Bucket\/Resource$/,
    because:
      'Access would be logged in a bucket of its own; CloudTrail data events record it where an auditor needs it',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::<SealBucket736744EF.Arn>/*]',
    on: /^Seal\/FunctionRole\/DefaultPolicy\/Resource$/,
    because: "Objects are named after their slices, and their bucket is the archive's alone",
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::<SealBucket736744EF.Arn>/events/*]',
    on: /^ReadApi\/FunctionRole\/DefaultPolicy\/Resource$/,
    because: 'Objects of events are named after their slices, and it reads nothing else of the archive',
  },
  {
    rule: 'AwsSolutions-CFR1',
    on: DISTRIBUTION,
    because: 'Holders of the token may read from anywhere',
  },
  {
    rule: 'AwsSolutions-CFR2',
    on: DISTRIBUTION,
    because: 'Static files, cached; the data is behind the read API, which is throttled and requires a token',
  },
  {
    rule: 'AwsSolutions-CFR3',
    on: DISTRIBUTION,
    because: "Its lines would hold readers' addresses, and of static files only; reads are logged by the read API",
  },
  {
    rule: 'AwsSolutions-CFR4',
    on: DISTRIBUTION,
    because: "Under CloudFront's own host name the versions of TLS cannot be chosen",
  },
];
