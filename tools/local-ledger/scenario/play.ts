import type { Clock } from '../../mailgun-twin/clock.ts';
import type { Random } from '../../mailgun-twin/random.ts';
import type { CastMessage } from '../../mailgun-twin/traffic/cast.ts';
import type { Step } from '../../mailgun-twin/traffic/story.ts';
import type { Twin, TwinEvent } from '../../mailgun-twin/twin.ts';
import { type DeliveryFaults, planDelivery } from '../../mailgun-twin/webhooks/delivery-plan.ts';
import type { SigningKeys } from '../../mailgun-twin/webhooks/signature.ts';

/** A message, and what the twin did for each step of its story. */
export interface PlayedMessage {
  readonly cast: CastMessage;
  readonly reported: readonly { readonly step: Step; readonly event: TwinEvent }[];
}

export interface Theatre {
  readonly twin: Twin;
  readonly clock: Clock;
  readonly random: Random;
  readonly deliveryFaults: DeliveryFaults;
  readonly subaccountKeys?: SigningKeys;
  readonly oddShapes?: boolean;
}

/** Lets every story happen at its time; resolves after the last event happened, while deliveries may still be under way. */
export async function playStories(messages: readonly CastMessage[], theatre: Theatre): Promise<PlayedMessage[]> {
  const { clock, twin } = theatre;
  const beganAt = clock.now();
  const played = messages.map((cast) => ({ cast, reported: [] as PlayedMessage['reported'][number][] }));
  const script = played
    .flatMap((message) =>
      message.cast.steps.map((step) => ({
        message,
        step,
        epochMs: beganAt + ((message.cast.startSeconds + step.afterSeconds) * 1000) / twin.compression,
      })),
    )
    .sort((a, b) => a.epochMs - b.epochMs);

  for (const { message, step, epochMs } of script) {
    await clock.sleep(epochMs - clock.now());
    message.reported.push({ step, event: report(message.cast, step, epochMs, theatre) });
  }
  return played;
}

function report(cast: CastMessage, step: Step, epochMs: number, theatre: Theatre): TwinEvent {
  const { twin, random, deliveryFaults, subaccountKeys, oddShapes = false } = theatre;
  const { story, mail } = cast;
  const encoding = story.encoding ?? 'json';
  const data = step.build({ mail, recipient: mail.to[step.recipient] ?? '', epochMs, random, oddShapes });
  const listed = story.listed ?? true;
  // Whatever Mailgun does not list has its webhook alone: nothing could bring it back.
  const dropChance = listed ? deliveryFaults.dropChance : 0;
  const plan = planDelivery(data.event, encoding, { ...deliveryFaults, dropChance }, random);
  const delayMs = plan.delayMs + (step.heldSeconds * 1000) / twin.compression;
  return twin.happen({
    mail,
    data,
    encoding,
    plan: { ...plan, delayMs },
    listed,
    ...(story.fromSubaccount && subaccountKeys ? { keys: subaccountKeys } : {}),
  });
}
