import { randomUUID } from 'node:crypto';
import {
  type CommandBuilder,
  confirm,
  ledgerCommand,
  type PlaceOptions,
  placeOf,
  type World,
  wholeNumber,
} from '../command.ts';
import { OutOfReach, WrongInput } from '../errors.ts';
import { counted, createTell, type Tell } from '../output.ts';
import type { Target } from '../target/types.ts';

/** The lines of `drill --json`. */
export type DrillLine =
  /** A topic that the alarm notifies, on AWS. */
  | { event: 'subscribed'; topic: string; confirmed: number; pending: number }
  | { event: 'sounded'; alarm: string }
  | { event: 'arrived'; alarm: string; topic: string; subject: string; tookMs: number }
  /** `arrived`: null where only a person could see it, and none was asked. */
  | { event: 'drilled'; alarm: string; arrived: boolean | null };

interface DrillOptions extends PlaceOptions {
  readonly wait: number;
  readonly yes?: boolean;
}

const LOOK_EVERY_MS = 200;

const EXAMPLES = `
The alarm is set off by hand until its next evaluation, minutes later, which tells that it is OK again. On AWS its
topics must have confirmed subscriptions, and you are asked whether it arrived.

Examples:
  npm run ledger -- drill dead-letters --env prod
  npm run ledger -- drill reconcile-stopped --env prod --yes --json
  npm run ledger -- drill dead-letters --local

Exit code: 0 it arrived, or with --yes went out to confirmed subscribers; 1 it did not; 2 wrong usage, or no such alarm.`;

export const drillCommand: CommandBuilder = (world, run) =>
  ledgerCommand('drill', 'sets an alarm off and sees whether the people hear of it')
    .argument('<alarm>', 'its heading in the runbook, such as dead-letters')
    .option('--wait <seconds>', 'so long it may take to arrive', wholeNumber(1), 30)
    .option('--yes', 'does not ask, neither before nor whether it arrived')
    .addHelpText('after', EXAMPLES)
    .action(run<DrillOptions>((options, alarm = '') => drill(world, options, alarm)));

async function drill(world: World, options: DrillOptions, name: string): Promise<number> {
  const target = await world.findTarget(placeOf(options, world.environment));
  const tell = createTell<DrillLine>(world, options.json);
  const alarm = await findAlarm(target, name);
  // Tells this drill from whatever else arrives, an earlier drill among it.
  const reason = `drill ${randomUUID()}: somebody tries whether this arrives; nothing is wrong`;
  const canBeSeen = (await target.notifications()) !== undefined;
  const arrived = await (canBeSeen ? byItself : byPeople)({ world, options, target, alarm, reason, tell });
  const verdicts = {
    true: 'The page arrives.',
    false: 'The page does NOT arrive.',
    null: 'It went out; nobody was asked.',
  };
  tell({ event: 'drilled', alarm, arrived }, verdicts[String(arrived) as keyof typeof verdicts]);
  return arrived === false ? 1 : 0;
}

interface Drill {
  readonly world: World;
  readonly options: DrillOptions;
  readonly target: Target;
  readonly alarm: string;
  readonly reason: string;
  readonly tell: Tell<DrillLine>;
}

/** Its full name; one that sounds already would tell nobody anything new. */
async function findAlarm(target: Target, name: string): Promise<string> {
  const prefix = `${target.stackName}-`;
  const alarms = await target.alarms();
  const found = alarms.find((alarm) => alarm.name === name || alarm.name === prefix + name);
  if (found === undefined) {
    const names = alarms.map((alarm) => alarm.name.replace(prefix, '')).toSorted();
    throw new WrongInput(`there is no alarm "${name}"; there are ${names.join(', ')}`);
  }
  if (found.state === 'ALARM')
    throw new OutOfReach(`${found.name} sounds already, so it would tell nobody anew; drill it when it is OK`);
  return found.name;
}

/** Where what arrives at the topics can be seen. */
async function byItself(drill: Drill): Promise<boolean> {
  const { world, options, target, alarm, reason, tell } = drill;
  const startedMs = world.now();
  await sound(drill);
  for (;;) {
    const found = (await target.notifications())?.find(({ message }) => {
      const { AlarmName, NewStateValue, NewStateReason } = message;
      return AlarmName === alarm && NewStateValue === 'ALARM' && NewStateReason === reason;
    });
    const tookMs = world.now() - startedMs;
    if (found !== undefined) {
      const { topic, subject } = found;
      tell({ event: 'arrived', alarm, topic, subject, tookMs }, `arrived at ${topic} after ${tookMs} ms: ${subject}`);
      return true;
    }
    if (tookMs >= options.wait * 1000 || world.signal.aborted) return false;
    await world.sleep(LOOK_EVERY_MS);
  }
}

/** Where only those who are subscribed can see it; null where nobody was asked. */
async function byPeople(drill: Drill): Promise<boolean | null> {
  const { world, options, target, alarm, tell } = drill;
  const { yes } = options;
  const audience = await target.audience(alarm);
  for (const { topic, confirmed, pending } of audience) {
    const text = `${topic}: ${counted(confirmed, 'confirmed subscription')}, ${pending} pending`;
    tell({ event: 'subscribed', topic, confirmed, pending }, text);
  }
  if (audience.every(({ confirmed }) => confirmed === 0)) return false;
  await confirm(world, yes, `Set off ${alarm}, which tells everybody who is subscribed?`);
  await sound(drill);
  const answer = yes ? undefined : await world.ask('Did it arrive? [y/N] ');
  return answer === undefined ? null : /^y(es)?$/i.test(answer.trim());
}

async function sound({ target, alarm, reason, tell }: Drill): Promise<void> {
  await target.soundAlarm(alarm, reason);
  tell({ event: 'sounded', alarm }, `${alarm} is set off.`);
}
