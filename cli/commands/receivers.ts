import { randomBytes, randomUUID } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { createDeliveryLog } from '../../lambdas/adapters/table/delivery-repository.ts';
import { HOUR_MS } from '../../lambdas/contract.ts';
import { type Attempt, encodeQueuedEvent, TEST_DETAIL_TYPE } from '../../lambdas/domain/publishing/delivery.ts';
import { DISABLED_RECEIVE_SECONDS } from '../../lambdas/domain/publishing/delivery-ledger.ts';
import {
  parseReceiverSecrets,
  type ReceiverSecrets,
  rotatedSecrets,
} from '../../lambdas/domain/publishing/receiver-secret.ts';
import { shownSecret } from '../../lambdas/domain/publishing/standard-webhook.ts';
import {
  type CliContext,
  type CommandBuilder,
  commandGroup,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  type TargetOptions,
  wholeNumber,
} from '../command.ts';
import { UsageError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { alarmClock, createEmit, number, utc } from '../output.ts';
import { iso } from '../time.ts';
import { discardCommand } from './receivers/discard.ts';
import { attemptText, listCommand, logCommand } from './receivers/list.ts';
import { ALARM_ENDS_MS, messagesIn, receiverNamed, statesOf } from './receivers/open.ts';
import { redeliverCommand } from './receivers/redeliver.ts';

/** The line of `receivers test --json`. */
export type ReceiverTestLine = { event: 'tested'; id: string; state: string; attempt: Attempt | null };

/** The line of `receivers rotate --json`, which holds the new secret; `previousUntil` is null if the old one was lost. */
export type RotateReceiverLine = { event: 'rotated'; secret: string; previousUntil: string | null };

/** The line of `receivers enable --json`. */
export type EnableLine = {
  event: 'enabled';
  wasDisabled: boolean;
  queued: number;
  /**
   * When the waiting deliveries are sent, if the receiver keeps up with its rate and no retry of theirs is planned for
   * later; null if it was enabled already.
   */
  sentBy: string | null;
  /** When receiver-disabled returns to OK, unless another receiver is disabled. */
  alarmEndsBy: string | null;
};

const NEEDS = `dynamodb:Query, GetItem and PutItem on the table; sqs:GetQueueAttributes, SendMessage, ReceiveMessage,
DeleteMessage and ChangeMessageVisibility on the queues and DLQs of the receivers; secretsmanager:GetSecretValue and
PutSecretValue on their secrets`;

export const receiversCommand: CommandBuilder = (context, run) =>
  commandGroup('receivers', 'list, test and repair deliveries to receivers', NEEDS)
    .addCommand(listCommand(context, run))
    .addCommand(testCommand(context, run))
    .addCommand(logCommand(context, run))
    .addCommand(redeliverCommand(context, run))
    .addCommand(discardCommand(context, run))
    .addCommand(rotateCommand(context, run))
    .addCommand(enableCommand(context, run));

const TEST_WAIT_MS = 60_000;
const TEST_POLL_MS = 1000;

const testCommand = (context: CliContext, run: Run) =>
  ledgerCommand('test', 'send a receiver.test event and wait for its first attempt')
    .argument('<name>', 'the receiver')
    .addHelpText('after', `\nExamples:\n  npm run ledger -- receivers test crm --env prod`)
    .action(run<TargetOptions>((options, name = '') => test(context, options, name)));

async function test(context: CliContext, options: TargetOptions, receiver: string): Promise<number> {
  const deployment = await openTarget(context, options);
  const { queueUrl } = receiverNamed(deployment, receiver);
  const emit = createEmit<ReceiverTestLine>(context, options.json);
  const id = `test#${randomUUID()}`;
  const publishedAt = Math.floor(context.now() / 1000);
  const event = { detailType: TEST_DETAIL_TYPE, publishedAt, detail: { id }, requestedAt: 0 };
  await deployment.clients.queues.send(
    new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: encodeQueuedEvent(event) }),
  );
  const log = createDeliveryLog(tableOf(deployment), { retentionDays: 1 });
  for (let waited = 0; waited < TEST_WAIT_MS && !context.signal.aborted; waited += TEST_POLL_MS) {
    const delivery = await log.read({ receiver, publishedAt, id });
    const attempt = delivery?.attempts.at(-1);
    if (delivery !== undefined && attempt !== undefined) {
      emit({ event: 'tested', id, state: delivery.state, attempt }, `${delivery.state}: ${attemptText(attempt)}`);
      return delivery.state === 'acknowledged' ? 0 : 1;
    }
    await context.sleep(TEST_POLL_MS);
  }
  emit(
    { event: 'tested', id, state: 'queued', attempt: null },
    'No attempt yet: the receiver is disabled, or its queue is long. See: receivers list',
  );
  return 1;
}

interface RotateOptions extends TargetOptions {
  readonly overlap?: number;
  readonly yes?: boolean;
}

const DEFAULT_OVERLAP_HOURS = 24;
const SECRET_BYTES = 32;

const rotateCommand = (context: CliContext, run: Run) =>
  ledgerCommand('rotate', "replace a receiver's secret; for a time both sign")
    .argument('<name>', 'the receiver')
    .option(
      '--overlap <hours>',
      `how long the old secret signs beside the new one (${DEFAULT_OVERLAP_HOURS})`,
      wholeNumber(1),
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nThe new secret signs within 5 minutes; install it at the receiver after that, before the overlap ends. A\nsecret that deliver cannot read is replaced too, without an overlap.\n\nExamples:\n  npm run --silent ledger -- receivers rotate crm --env prod --yes`,
    )
    .action(run<RotateOptions>((options, name = '') => rotate(context, options, name)));

async function rotate(context: CliContext, options: RotateOptions, name: string): Promise<number> {
  const deployment = await openTarget(context, options);
  const { secretArn: SecretId } = receiverNamed(deployment, name);
  const { secrets } = deployment.clients;
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  const before = secretsIn(SecretString);
  const now = context.now();
  // A third secret would end the overlap of the second, which the receiver may not hold yet.
  if (before?.previous !== undefined && now < (before.previousUntil ?? 0)) {
    throw new UsageError(`a rotation is in progress until ${utc(before.previousUntil ?? 0)}; rotate again after it`);
  }
  const lost = before === undefined ? 'It is no JSON object with a current secret, and what it holds is lost. ' : '';
  await confirm(context, options.yes, `${lost}Replace the secret of ${name} of ${deployment.name}?`);
  const next = randomBytes(SECRET_BYTES).toString('base64');
  const overlapMs = (options.overlap ?? DEFAULT_OVERLAP_HOURS) * HOUR_MS;
  const after = rotatedSecrets(before, next, now, overlapMs);
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(after) }));
  const { previousUntil } = after;
  const old =
    previousUntil === undefined ? 'no other signs' : `the old one signs beside it until ${utc(previousUntil)}`;
  createEmit<RotateReceiverLine>(context, options.json)(
    {
      event: 'rotated',
      secret: shownSecret(next),
      previousUntil: previousUntil === undefined ? null : iso(previousUntil),
    },
    shownSecret(next),
    `It signs within 5 minutes; ${old}.`,
  );
  return 0;
}

function secretsIn(text: string): ReceiverSecrets | undefined {
  try {
    return parseReceiverSecrets(text);
  } catch {
    return undefined;
  }
}

const enableCommand = (context: CliContext, run: Run) =>
  ledgerCommand('enable', 'enable a disabled receiver')
    .argument('<name>', 'the receiver')
    .addHelpText(
      'after',
      `\nHave the receiver fixed first, or it is disabled again. Within half an hour, deliver begins to send what waits in its\nqueue, at its rate; planned retries keep their time. The alarm receiver-disabled ends within an hour.\n\nExamples:\n  npm run ledger -- receivers enable crm --env prod`,
    )
    .action(run<TargetOptions>((options, name = '') => enable(context, options, name)));

async function enable(context: CliContext, options: TargetOptions, name: string): Promise<number> {
  const deployment = await openTarget(context, options);
  const { queueUrl, ratePerSecond } = receiverNamed(deployment, name);
  const states = statesOf(deployment);
  let before = await states.read(name);
  const wasDisabled = before.disabledAt !== undefined;
  const after = { enabledAt: context.now() };
  while (wasDisabled && !(await states.replace(name, before, after))) before = await states.read(name);
  const queued = await messagesIn(deployment, queueUrl);
  const sentBy = after.enabledAt + (DISABLED_RECEIVE_SECONDS + Math.ceil(queued / ratePerSecond)) * 1000;
  const alarmEndsBy = after.enabledAt + ALARM_ENDS_MS;
  createEmit<EnableLine>(context, options.json)(
    {
      event: 'enabled',
      wasDisabled,
      queued,
      sentBy: wasDisabled ? iso(sentBy) : null,
      alarmEndsBy: wasDisabled ? iso(alarmEndsBy) : null,
    },
    ...(wasDisabled
      ? [
          `Enabled. Deliveries that waited: ${number(queued)}; at ${number(ratePerSecond)} a second they are sent by ${utc(sentBy)}; planned retries keep their time.`,
          `The alarm receiver-disabled is OK by ${utc(alarmEndsBy)}, unless another receiver is disabled.`,
          ...alarmClock(deployment),
        ]
      : ['It was enabled already.']),
  );
  return 0;
}
