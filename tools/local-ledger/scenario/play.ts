import type { Clock } from '../../mailgun-twin/clock.ts';
import type { Random } from '../../mailgun-twin/random.ts';
import type { ScheduledMessage } from '../../mailgun-twin/traffic/schedule-messages.ts';
import type { TimelineStep } from '../../mailgun-twin/traffic/timeline.ts';
import type { Twin, TwinEvent } from '../../mailgun-twin/twin.ts';
import { type DeliveryFaults, drawDeliveryPlan } from '../../mailgun-twin/webhooks/draw-delivery-plan.ts';
import type { AccountKeys } from '../../mailgun-twin/webhooks/signature.ts';

/** A message, with what the twin did for each step of its timeline. */
export interface PlayedMessage {
  readonly scheduled: ScheduledMessage;
  readonly reported: readonly { readonly step: TimelineStep; readonly event: TwinEvent }[];
}

export interface PlayContext {
  readonly twin: Twin;
  readonly clock: Clock;
  readonly random: Random;
  readonly deliveryFaults: DeliveryFaults;
  readonly subaccountKeys?: AccountKeys;
  readonly oddShapes?: boolean;
}

/** Plays every timeline on schedule; resolves after the last event, while deliveries may still be running. */
export async function playTimelines(
  messages: readonly ScheduledMessage[],
  context: PlayContext,
): Promise<PlayedMessage[]> {
  const { clock, twin } = context;
  const beganAt = clock.now();
  const played = messages.map((scheduled) => ({ scheduled, reported: [] as PlayedMessage['reported'][number][] }));
  const script = played
    .flatMap((message) =>
      message.scheduled.steps.map((step) => ({
        message,
        step,
        epochMs: beganAt + ((message.scheduled.startSeconds + step.afterSeconds) * 1000) / twin.compression,
      })),
    )
    .sort((a, b) => a.epochMs - b.epochMs);

  for (const { message, step, epochMs } of script) {
    await clock.sleep(epochMs - clock.now());
    message.reported.push({ step, event: report(message.scheduled, step, epochMs, context) });
  }
  return played;
}

function report(scheduled: ScheduledMessage, step: TimelineStep, epochMs: number, context: PlayContext): TwinEvent {
  const { twin, random, deliveryFaults, subaccountKeys, oddShapes = false } = context;
  const { timeline, mail } = scheduled;
  const encoding = timeline.encoding ?? 'json';
  const data = step.build({ mail, recipient: mail.to[step.recipient] ?? '', epochMs, random, oddShapes });
  const listed = timeline.listed ?? true;
  // An unlisted event has only its webhook: reconciliation could not recover it.
  const dropChance = listed ? deliveryFaults.dropChance : 0;
  const plan = drawDeliveryPlan(data.event, encoding, { ...deliveryFaults, dropChance }, random);
  const delayMs = plan.delayMs + (step.heldSeconds * 1000) / twin.compression;
  return twin.happen({
    mail,
    data,
    encoding,
    plan: { ...plan, delayMs },
    listed,
    ...(timeline.fromSubaccount && subaccountKeys ? { keys: subaccountKeys } : {}),
  });
}
