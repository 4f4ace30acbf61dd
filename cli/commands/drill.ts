import { randomUUID } from 'node:crypto';
import {
  type CliContext,
  type CommandBuilder,
  confirm,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  wholeNumber,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { counted, createEmit, type Emit } from '../output.ts';
import type { Deployment } from '../target/types.ts';

/** The lines of `drill --json`. */
export type DrillLine =
  /** A topic that the alarm notifies, on AWS. */
  | { event: 'subscribed'; topic: string; confirmed: number; pending: number }
  | { event: 'sounded'; alarm: string }
  | { event: 'arrived'; alarm: string; topic: string; subject: string; tookMs: number }
  /** `arrived`: null if only a person could see it, and no one was asked. */
  | { event: 'drilled'; alarm: string; arrived: boolean | null };

interface DrillOptions extends TargetOptions {
  readonly wait: number;
  readonly yes?: boolean;
}

const POLL_INTERVAL_MS = 200;

const EXAMPLES = `
Sets the alarm's state until its next evaluation, minutes later, which reports that it is OK again. On AWS its topics
need confirmed subscriptions, and you are asked whether the notification arrived. An alarm that is already on cannot be
drilled, since it would notify no one.

Examples:
  npm run ledger -- drill dead-letters --env prod
  npm run ledger -- drill reconcile-stopped --env prod --yes --json
  npm run ledger -- drill dead-letters --local

Needs on AWS: cloudwatch:DescribeAlarms, cloudwatch:SetAlarmState, sns:ListSubscriptionsByTopic.`;

export const drillCommand: CommandBuilder = (context, run) =>
  ledgerCommand('drill', 'set off an alarm, and check that its notification arrives')
    .argument('<alarm>', 'its name without the stack, such as dead-letters')
    .option('--wait <seconds>', 'how long it may take to arrive', wholeNumber(1), 30)
    .option('--yes', 'do not ask, neither before nor whether it arrived')
    .addHelpText('after', EXAMPLES)
    .action(run<DrillOptions>((options, alarm = '') => drill(context, options, alarm)));

async function drill(context: CliContext, options: DrillOptions, name: string): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<DrillLine>(context, options.json);
  const alarm = await findAlarm(deployment, name);
  // Tells this drill from whatever else arrives, an earlier drill among it.
  const reason = `drill ${randomUUID()}: a test of notifications; nothing is wrong`;
  const canBeSeen = (await deployment.notifications()) !== undefined;
  const arrived = await (canBeSeen ? byItself : byPeople)({ context, options, deployment, alarm, reason, emit });
  const sentences = {
    true: 'The notification arrives.',
    false: 'The notification does NOT arrive.',
    null: 'It was sent; no one was asked whether it arrived.',
  };
  emit({ event: 'drilled', alarm, arrived }, sentences[String(arrived) as keyof typeof sentences]);
  return arrived === false ? 1 : 0;
}

interface Drill {
  readonly context: CliContext;
  readonly options: DrillOptions;
  readonly deployment: Deployment;
  readonly alarm: string;
  readonly reason: string;
  readonly emit: Emit<DrillLine>;
}

/** Returns the full name of one in any case; an alarm that is on already would notify no subscriber again. */
async function findAlarm(deployment: Deployment, typed: string): Promise<string> {
  const prefix = `${deployment.stackName}-`;
  const alarms = await deployment.alarms();
  const named = (isSame: (name: string) => boolean) =>
    alarms.filter(({ name }) => isSame(name) || isSame(name.replace(prefix, '')));
  const exact = named((name) => name === typed);
  const [found, ...others] = exact.length > 0 ? exact : named((name) => name.toLowerCase() === typed.toLowerCase());
  if (found === undefined || others.length > 0) {
    const names = alarms.map(({ name }) => name.replace(prefix, '')).toSorted();
    throw new UsageError(
      `there ${found === undefined ? 'is no alarm' : 'are several alarms'} "${typed}"; there are ${names.join(', ')}`,
    );
  }
  if (found.state === 'ALARM')
    throw new TargetUnavailableError(
      `${found.name} is on already, so it would not notify anyone again; drill it when it is OK`,
    );
  return found.name;
}

/** Returns true if a notification arrived, where topics can be read. */
async function byItself(drill: Drill): Promise<boolean> {
  const { context, options, deployment, alarm, reason, emit } = drill;
  const startedMs = context.now();
  await sound(drill);
  for (;;) {
    const found = (await deployment.notifications())?.find(({ message }) => {
      const { AlarmName, NewStateValue, NewStateReason } = message;
      return AlarmName === alarm && NewStateValue === 'ALARM' && NewStateReason === reason;
    });
    const tookMs = context.now() - startedMs;
    if (found !== undefined) {
      const { topic, subject } = found;
      emit({ event: 'arrived', alarm, topic, subject, tookMs }, `arrived at ${topic} after ${tookMs} ms: ${subject}`);
      return true;
    }
    if (tookMs >= options.wait * 1000 || context.signal.aborted) return false;
    await context.sleep(POLL_INTERVAL_MS);
  }
}

/** Returns the person's reply if only subscribers can see the notification; null if there is no one to ask. */
async function byPeople(drill: Drill): Promise<boolean | null> {
  const { context, options, deployment, alarm, emit } = drill;
  const { yes } = options;
  const audience = await deployment.audience(alarm);
  for (const { topic, confirmed, pending } of audience) {
    const text = `${topic}: ${counted(confirmed, 'confirmed subscription')}, ${pending} pending`;
    emit({ event: 'subscribed', topic, confirmed, pending }, text);
  }
  if (audience.every(({ confirmed }) => confirmed === 0)) return false;
  await confirm(context, yes, `Set off ${alarm}, which notifies everyone who is subscribed?`);
  await sound(drill);
  const reply = yes ? undefined : await context.ask('Did it arrive? [y/N] ');
  return reply === undefined ? null : /^y(es)?$/i.test(reply.trim());
}

async function sound({ deployment, alarm, reason, emit }: Drill): Promise<void> {
  await deployment.soundAlarm(alarm, reason);
  emit({ event: 'sounded', alarm }, `${alarm} is set off.`);
}
