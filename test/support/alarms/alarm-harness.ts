import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PurgeQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { LocalStack, LocalStackOptions } from '../../../tools/local-ledger/local-ledger.ts';
import type { AlarmNews } from '../../../tools/local-stack/alarms/start-alarms.ts';
import type { PublishedMessage } from '../../../tools/local-stack/alarms/topics.ts';
import type { Fault } from '../../../tools/local-stack/aws/fault-rules.ts';
import type { EventData } from '../../../tools/mailgun-twin/traffic/event-parts.ts';
import { DOMAIN, deliveredEvent } from '../fixtures/webhooks.ts';
import { postWebhook, startTestStack } from '../stacks/local-stack.ts';

/** One minute of metric time. */
export const MINUTE_MS = 1000;

const PATIENCE_MS = 60_000;

/** A running stack whose alarms are sixty times faster, with the means to cause faults. */
export class AlarmHarness {
  readonly stack: LocalStack;
  /** Every state change of an alarm since the start. */
  readonly changes: AlarmNews[];
  readonly #sqs: SQSClient;

  static async start(options: Partial<LocalStackOptions> = {}): Promise<AlarmHarness> {
    const changes: AlarmNews[] = [];
    const stack = await startTestStack({
      metricPeriodSeconds: MINUTE_MS / 1000,
      onAlarm: (news) => changes.push(news),
      ...options,
    });
    return new AlarmHarness(stack, changes);
  }

  private constructor(stack: LocalStack, changes: AlarmNews[]) {
    this.stack = stack;
    this.changes = changes;
    const { region, awsEndpointUrl } = stack.place;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    this.#sqs = new SQSClient({ region, endpoint: awsEndpointUrl, credentials });
  }

  /** Returns the alarms' states by the end of their name. */
  alarms(): Map<string, string> {
    return new Map(this.stack.alarms().map(({ name, state }) => [this.anchorOf(name), state]));
  }

  /** Returns the end of an alarm's name, which is its heading in the runbook. */
  anchorOf(name: string): string {
    return name.replace(`${this.stack.place.stackName}-`, '');
  }

  notificationsOf(anchor: string): PublishedMessage[] {
    return this.stack.notifications().filter(({ message }) => this.anchorOf(String(message.AlarmName)) === anchor);
  }

  /** Posts a webhook; returns the status code, or 0 without a response. */
  async post(event: object, signature?: object): Promise<number> {
    return postWebhook(this.stack, event, signature);
  }

  /**
   * Posts a webhook until it is acknowledged, as Mailgun does, and lists its event. @throws if it is not acknowledged
   * within a minute
   */
  async accept(event: EventData, { signature, listed = event }: { signature?: object; listed?: EventData } = {}) {
    for (const untilMs = Date.now() + PATIENCE_MS; ; await sleep(200)) {
      const status = await this.post(event, signature);
      if (status === 200) break;
      if (Date.now() > untilMs) throw new Error(`a webhook was not accepted in time, but got a ${status}`);
    }
    this.stack.list([listed]);
  }

  /** Posts a body that is not a webhook. */
  async postForged(): Promise<void> {
    await fetch(this.stack.ready.webhookUrl, { method: 'POST', body: 'no webhook' });
  }

  /** Posts an event's webhook and lists the event; a refused one is not listed, or it would count as lost too. */
  async happen(over: Readonly<Record<string, unknown>> = {}): Promise<number> {
    const event = eventOf(over);
    const status = await this.post(event);
    if (status === 200) this.stack.list([event]);
    return status;
  }

  /** Lists an event without posting its webhook. */
  list(over: Readonly<Record<string, unknown>> = {}): void {
    this.stack.list([eventOf(over)]);
  }

  /** Reads a message that does not exist through the read API; returns the status code. */
  async read(): Promise<number> {
    const { apiUrl, apiToken } = this.stack.ready;
    const headers = { authorization: `Bearer ${apiToken}` };
    return (await fetch(`${apiUrl}/mailgun/suppressions/unknown@example.com`, { headers })).status;
  }

  /** Returns how many events the ledger counted as stored since a time in epoch milliseconds. */
  async storedSince(fromMs: number): Promise<number> {
    const { apiUrl, apiToken } = this.stack.ready;
    const headers = { authorization: `Bearer ${apiToken}` };
    const range = `from=${Math.floor(fromMs / 1000)}&to=${Math.ceil(Date.now() / 1000)}`;
    const response = await fetch(`${apiUrl}/mailgun/ledger?domain=${DOMAIN}&${range}`, { headers });
    const { totals } = (await response.json()) as { totals: { stored: number } };
    return totals.stored;
  }

  /** Makes every call of these operations (`<service>.<operation>`) fail; without operations, ends all such faults. */
  spoil(mode: Fault['mode'] = '500', percent = 100, ...calls: string[]): void {
    this.stack.setFaults(
      calls.map((call) => {
        const [service = '', operation = ''] = call.split('.');
        return { service, operation, mode, percent };
      }),
    );
  }

  async signal(name: string, signal: NodeJS.Signals): Promise<void> {
    const pid = (await this.stack.stats()).processes[name];
    try {
      if (pid !== undefined) process.kill(pid, signal);
    } catch (error) {
      // It exited by itself, and its successor has not started yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async enqueue(body: string): Promise<void> {
    const { QueueUrl } = this.stack.place.outputs;
    await this.#sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  }

  emptyDeadLetters = () => this.#empty('DeadLettersUrl');
  emptyPublishFailures = () => this.#empty('PublishFailuresUrl');

  async #empty(output: string): Promise<void> {
    await this.#sqs.send(new PurgeQueueCommand({ QueueUrl: this.stack.place.outputs[output] }));
  }

  /** @throws if the queue is not empty within two minutes */
  async drained(): Promise<void> {
    for (const untilMs = Date.now() + 2 * PATIENCE_MS; ; await sleep(100)) {
      const { queue } = await this.stack.stats();
      if (queue.visible + queue.inFlight === 0) return;
      if (Date.now() > untilMs)
        throw new Error(`the queue holds ${queue.visible} messages, ${queue.inFlight} in flight`);
    }
  }

  async stop(): Promise<void> {
    this.#sqs.destroy();
    await this.stack.stop();
  }
}

/** Returns an event of now with a new id. */
export const eventOf = (over: Readonly<Record<string, unknown>> = {}) =>
  deliveredEvent({
    id: randomUUID(),
    timestamp: Date.now() / 1000,
    message: { headers: { 'message-id': `${randomUUID()}@${DOMAIN}` } },
    ...over,
  }) as unknown as EventData;
