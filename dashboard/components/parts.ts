import type { EventEntry } from '../../api/responses/events.ts';
import { canBeTyped } from '../../lambdas/domain/shell-word.ts';
import { FAILURE_CLASSES } from '../../lambdas/domain/status/failure-class.ts';
import { linkTo } from '../route.ts';
import { timeElement } from '../values/time.ts';
import { type Child, h } from './dom.ts';

// Pieces that several views are made of.

/** Returns a name with its own colour and shape: `good`, `wait`, `bad`, `unknown`. */
export type Mood = 'good' | 'wait' | 'bad' | 'unknown';

export function badge(text: string, mood: Mood): HTMLElement {
  return h('span', { class: `badge ${mood}` }, text);
}

const STATUSES: Readonly<Record<string, readonly [words: string, mood: Mood]>> = {
  DELIVERED: ['delivered', 'good'],
  ACCEPTED: ['accepted, on its way', 'wait'],
  DEFERRED: ['delayed, Mailgun tries again', 'wait'],
  FAILED: ['failed', 'bad'],
  COMPLAINED: ['reported as spam', 'bad'],
};

/** Returns a status in words; null means that there is no event about delivery. */
export function statusBadge(status: string | null): HTMLElement {
  const [words, mood] = (status !== null && STATUSES[status]) || ['no status', 'unknown'];
  return badge(words, mood);
}

/** Returns the marks of what may be forged, was sent in test mode, or is not our mail; the same on every page. */
export function marks({ unconfirmed, testMode, direction }: Pick<EventEntry, Mark>): Child[] {
  return [
    unconfirmed && [' ', badge('not on Mailgun’s list, may be forged', 'bad')],
    testMode && [' ', badge('test mode, not sent', 'unknown')],
    direction === 'inbound' && [' ', badge('inbound, routed on', 'unknown')],
  ];
}

type Mark = 'unconfirmed' | 'testMode' | 'direction';

export function panel(title: string, ...children: Child[]): HTMLElement {
  return h('section', { class: 'panel' }, h('h2', {}, title), ...children);
}

export function empty(text: string): HTMLElement {
  return h('p', { class: 'empty' }, text);
}

/** Returns a command line with a button that copies it. */
export function command(line: string): HTMLElement {
  return h(
    'div',
    { class: 'command' },
    // A browser would break a line within the dashes of an option.
    h(
      'code',
      {},
      ...line.split(/(--[\w-]+)/).map((part, nth) => (nth % 2 === 0 ? part : h('span', { class: 'nowrap' }, part))),
    ),
    copyButton('Copy command', () => line),
  );
}

/** Returns a command line with an argument from untrusted input. */
export function commandOn(argument: string, line: string): HTMLElement {
  return canBeTyped(argument)
    ? command(line)
    : h('p', { class: 'note' }, 'The name holds signs that no command line can carry safely: no command is offered.');
}

export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = h(
    'button',
    {
      type: 'button',
      class: 'quiet',
      click: async () => {
        const done = await navigator.clipboard.writeText(text()).then(
          () => 'Copied',
          () => 'Not allowed to copy',
        );
        button.textContent = done;
        setTimeout(() => {
          button.textContent = label;
        }, 1500);
      },
    },
    label,
  );
  return button;
}

/** Returns a name, in quotes if it is blank, so that it can be seen and selected. */
export const visible = (name: string): string => (name.trim() === '' ? JSON.stringify(name) : name);

/** Returns an address or id that breaks before its `@` rather than within a word. */
export function breakable(address: string): Child {
  const at = address.lastIndexOf('@');
  return at < 1 ? address : [address.slice(0, at), h('wbr'), address.slice(at)];
}

/** Returns a message id that breaks after an `@`, a dot or a dash; the style sheet keeps words whole. */
export const breakableId = (id: string): Child =>
  id.split(/(?<=[@.-])/).map((part, nth) => (nth === 0 ? part : [h('wbr'), part]));

export const messageLink = (messageId: string | null | undefined): Child =>
  messageId
    ? h('a', { href: linkTo('message', messageId), class: 'id' }, breakableId(visible(messageId)))
    : 'no message id';

export const recipientLink = (recipient: string | null): Child =>
  recipient
    ? h('a', { href: linkTo('recipient', recipient), class: 'address' }, breakable(visible(recipient)))
    : 'no recipient';

/** Returns the event's name and details, such as `failed (permanent, bounce)`. */
export function eventText({ event, severity, reason, failureClass }: EventEntry): string {
  const words = failureClass === null || failureClass === 'other' ? '' : FAILURE_CLASSES[failureClass];
  const more = [severity, reason, words].filter((part) => typeof part === 'string' && part !== '').join(', ');
  return more === '' ? event : `${event} (${more})`;
}

export const shortTime = (at: number | string) => timeElement(at, 'short');
