import type { EventEntry } from '../../api/responses/events.ts';
import type { RecipientStatus } from '../../api/responses/message.ts';
import type { RecipientMessageEntry } from '../../api/responses/recipient.ts';
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

/** Returns a status in words; null if no event concerns delivery. */
export function statusBadge(status: string | null): HTMLElement {
  const [words, mood] = (status !== null && STATUSES[status]) || ['no status', 'unknown'];
  return badge(words, mood);
}

/** Returns the marks of what may be forged, was not compared with Mailgun's list yet, was sent in test mode, or is not our mail; the same on every page. */
export function marks({ unconfirmed, confirmed, testMode, direction }: Pick<EventEntry, Mark>): Child[] {
  return [
    unconfirmed && [' ', badge('not on Mailgun’s list, may be forged', 'bad')],
    !unconfirmed && !confirmed && [' ', badge('not compared yet', 'unknown')],
    testMode && [' ', badge('test mode, not sent', 'unknown')],
    direction === 'inbound' && [' ', badge('inbound, routed on', 'unknown')],
  ];
}

type Mark = 'unconfirmed' | 'confirmed' | 'testMode' | 'direction';

const ACTIONS = [
  ['opens', 'opened'],
  ['clicks', 'clicked'],
  ['machineOpens', 'opened by machines'],
  ['machineClicks', 'clicked by machines'],
] as const;

/** Returns how often a mail was opened and clicked, people and machines apart, such as `opened 2 ×, clicked 1 ×`. */
export function engagementText(counts: Pick<RecipientStatus, (typeof ACTIONS)[number][0]>): string {
  const parts = ACTIONS.filter(([name]) => counts[name] > 0).map(([name, what]) => `${what} ${counts[name]} ×`);
  return parts.join(', ');
}

/** The tags of a mail, which break between words. */
export const tagsColumn = {
  head: 'Tags',
  cell: ({ tags }: Pick<RecipientMessageEntry, 'tags'>): Child =>
    tags.length === 0 ? '–' : h('span', { class: 'tags' }, breakableId(tags.map(visible).join(', '))),
};

/** The column of mail lists that shows who opened it. */
export const engagementColumn = {
  head: 'Opened, clicked',
  cell: ({ engagement }: Pick<RecipientMessageEntry, 'engagement'>): Child => {
    if (engagement === null) return 'not counted';
    const text = engagementText(engagement) || 'not opened';
    return engagement.countsComplete ? text : `${text}, or more`;
  },
};

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
    : h(
        'p',
        { class: 'note' },
        'The name contains characters that are unsafe on a command line, so no command is offered.',
      );
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
function breakable(address: string): Child {
  const at = address.lastIndexOf('@');
  return at < 1 ? address : [address.slice(0, at), h('wbr'), address.slice(at)];
}

/** Returns an id that breaks after an `@`, a `#`, a dot or a dash; the style sheet keeps words whole. */
export const breakableId = (id: string): Child =>
  id.split(/(?<=[@#.-])/).map((part, nth) => (nth === 0 ? part : [h('wbr'), part]));

export const messageLink = (messageId: string | null | undefined): Child =>
  messageId
    ? h('a', { href: linkTo('message', messageId), class: 'id' }, breakableId(visible(messageId)))
    : 'no message id';

/** Leads to the message, by its subject where that is known. */
export const subjectLink = ({ subject, messageId }: Pick<RecipientMessageEntry, 'subject' | 'messageId'>): Child =>
  subject !== null && messageId !== null
    ? [
        h('a', { href: linkTo('message', messageId) }, visible(subject)),
        h('br'),
        h('small', { class: 'id' }, breakableId(messageId)),
      ]
    : messageLink(messageId);

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
