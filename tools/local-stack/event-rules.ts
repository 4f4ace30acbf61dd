import { connectSqs } from './aws/sqs-client.ts';
import { request } from './engines/engine.ts';
import type { BusEvent, EventsEngine } from './engines/events.ts';
import { matches, type Pattern, requireKnownPattern } from './event-source/pattern.ts';
import { pause } from './event-source/pause.ts';
import type { StackRun } from './run/run.ts';
import { resourcesOfType } from './template/resources.ts';
import { propertiesOf, type Stack } from './template/stack.ts';

/** A bus rule and its target queues. */
interface EventRule {
  readonly bus: string;
  readonly pattern: Pattern;
  readonly queueUrls: readonly string[];
}

interface Properties {
  readonly EventBusName?: string;
  readonly EventPattern?: unknown;
  readonly State?: string;
  readonly Targets?: readonly { readonly Arn: string; readonly Input?: string; readonly InputTransformer?: unknown }[];
}

function readEventRules(stack: Stack): EventRule[] {
  const queueUrls = new Map(
    resourcesOfType(stack.template, 'AWS::SQS::Queue').map(([id]) => [
      String(stack.resolve({ 'Fn::GetAtt': [id, 'Arn'] }, id)),
      String(stack.resolve({ Ref: id }, id)),
    ]),
  );
  return resourcesOfType(stack.template, 'AWS::Events::Rule').flatMap(([id, resource]) => {
    const {
      EventBusName = 'default',
      EventPattern,
      State,
      Targets = [],
    } = propertiesOf<Properties>(stack, id, resource);
    requireKnownPattern(EventPattern, id);
    const urls = Targets.map(({ Arn, Input, InputTransformer }) => {
      const url = queueUrls.get(Arn);
      if (url === undefined) throw new Error(`the local stack does not know the target ${Arn} of a rule (${id})`);
      if (Input ?? InputTransformer) throw new Error(`the local stack does not change what a rule sends (${id})`);
      return url;
    });
    const bus = EventBusName.split('/').at(-1) ?? '';
    return State === 'DISABLED' ? [] : [{ bus, pattern: EventPattern, queueUrls: urls }];
  });
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5000;

/**
 * Sends published events to the queues of matching rules, and retries until SQS accepts them, as EventBridge does for a
 * day.
 */
export function startEventRules(
  stack: Stack,
  events: Pick<EventsEngine, 'onPublished'>,
  { disposables, logBuffer }: StackRun,
): void {
  const rules = readEventRules(stack);
  if (rules.length === 0) return;
  const sqs = connectSqs(stack, 'event-bus', disposables);
  const ending = new AbortController();
  disposables.add(() => ending.abort());

  async function send(QueueUrl: string, MessageBody: string): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !ending.signal.aborted; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        await request(sqs, 'SendMessage', { QueueUrl, MessageBody }, ending.signal);
        return;
      } catch (error) {
        if (!ending.signal.aborted) logBuffer.add('event-bus', `a rule's target failed: ${String(error)}`);
        await pause(pauseMs, ending.signal);
      }
    }
  }

  events.onPublished((event) => {
    const envelope = envelopeOf(event, stack);
    for (const { bus, pattern, queueUrls } of rules) {
      if (bus !== event.bus.split('/').at(-1) || !matches(pattern, envelope)) continue;
      for (const url of queueUrls) void send(url, JSON.stringify(envelope));
    }
  });
}

/** Returns the event as targets receive it. */
function envelopeOf({ id, time, source, detailType, detail }: BusEvent, { account }: Stack) {
  return {
    version: '0',
    id,
    'detail-type': detailType,
    source,
    account: account.accountId,
    // Without milliseconds.
    time: `${time.slice(0, 19)}Z`,
    region: account.region,
    resources: [],
    detail,
  };
}
