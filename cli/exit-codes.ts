/** The meaning of a command's exit codes, by code. */
export type ExitCodes = Readonly<Record<number, string>>;

/** Their meaning for every command. */
export const EVERY_COMMAND: ExitCodes = {
  0: 'done, or healthy',
  1: 'not all was done, or something is wrong or unreachable',
  2: 'wrong usage, or not confirmed',
};

const row = (done: string, failed: string, usage = 'wrong usage'): ExitCodes => ({ 0: done, 1: failed, 2: usage });

const UNREACHABLE = 'the stack cannot be reached';
const UNCONFIRMED = 'wrong usage, or not confirmed';
const RECEIVERS = row('done, or nothing is wrong', 'something is dead, disabled or unaccounted for');

/** The exit codes of each command: `--help`, the page of commands, `help exit-codes` and the tests read them here. */
export const EXIT_CODES: Readonly<Record<string, ExitCodes>> = {
  status: row('healthy', 'not healthy, or not known to be'),
  doctor: row('nothing is wrong or unknown', 'something is, or a planned load exceeds what can be configured'),
  find: row('found', `no such message is stored, it was interrupted, or ${UNREACHABLE}`),
  why: row(
    'shown',
    `no such message or recipient is stored, not all could be read, it was interrupted, or ${UNREACHABLE}`,
  ),
  tail: row('ended by you, or all shown with --once', 'the read API refuses the token or cannot be reached'),
  unconfirmed: row('listed, even if there are none', UNREACHABLE),
  report: row('reported', `no mail was sent under the tag, it was interrupted, or ${UNREACHABLE}`),
  logs: row('shown, even if there are no lines', 'the logs cannot be read'),
  'dlq list': row('listed, even if there are none', UNREACHABLE),
  'dlq show': row('shown', 'there is no such dead letter'),
  'dlq redrive': row(
    'all are stored',
    'none has that reason or id, or some are in the DLQ again, not stored yet, not sent or unreadable',
    UNCONFIRMED,
  ),
  'dlq discard': row('all are deleted', 'none has that reason or id, or some are left', UNCONFIRMED),
  replay: row('done', 'not all could be replayed, or it was interrupted'),
  accept: row('accepted, or there is nothing to accept', 'not accepted, with the reason', UNCONFIRMED),
  listing: row('shown, and switched back if requested', UNREACHABLE),
  distrust: row(
    'done, even if there was nothing to discard',
    'no event of it is unconfirmed, or a suppression also rests on events that are not',
    UNCONFIRMED,
  ),
  export: row('exported', `no event fits, it was interrupted, the disk is full, or ${UNREACHABLE}`),
  prove: row('written, whatever it states', 'the archive cannot be read, or its chain is broken'),
  verify: {
    ...row('it holds and the range is complete', 'something does not hold; each fault is named'),
    3: 'it holds, and states that the range is incomplete or not known',
  },
  publish: row('done', 'not all could be published, or it was interrupted'),
  'receivers list': RECEIVERS,
  'receivers test': RECEIVERS,
  'receivers log': RECEIVERS,
  'receivers redeliver': RECEIVERS,
  'receivers discard': { ...RECEIVERS, 2: UNCONFIRMED },
  'receivers rotate': { ...RECEIVERS, 2: UNCONFIRMED },
  'receivers enable': RECEIVERS,
  'suppressions list': row('listed, even if there are none', UNREACHABLE),
  'suppressions show': row('shown, even if there are none', UNREACHABLE),
  'suppressions lift': row(
    'lifted, or lifted before',
    'there is no such suppression, one of an unknown domain still suppresses, or Mailgun refused',
    UNCONFIRMED,
  ),
  'suppressions compare': row('both sides agree, or were made to', 'something differs, or cannot be read', UNCONFIRMED),
  'suppressions index': row('every suppression is on the list', `interrupted, or ${UNREACHABLE}`),
  'webhooks check': row('as wanted', 'something differs, or Mailgun cannot be reached'),
  'webhooks sync': row(
    'as wanted, foreign URLs aside',
    'something still differs, or Mailgun cannot be reached',
    UNCONFIRMED,
  ),
  'keys set': row('set, or it was set already', 'it cannot be read or written', 'wrong usage, or no key'),
  'keys rotate': row('rotated, or planned', 'it could not be', UNCONFIRMED),
  'keys status': row(
    'a signing key and an API key are set',
    "one of them is not, it is not Mailgun's, or nothing can be read",
  ),
  'token show': row('shown', 'it cannot be read'),
  'token rotate': row('rotated', 'it cannot be written', UNCONFIRMED),
  'send-test': {
    ...row('the read API shows it, or takes JWTs and it is stored', 'it was lost on the way; it prints where'),
    3: 'the stack is not set up yet (0 with --if-key): no signing key, or its custom host name is not in the DNS',
  },
  drill: row(
    'it arrived, or with --yes went out to confirmed subscribers',
    'it did not',
    'wrong usage, not confirmed, or no such alarm',
  ),
  erase: row('erased, even if nothing was found', 'not all was done', UNCONFIRMED),
  'give-up-archive': row('given up, or there is nothing to give up', `seal is at work, or ${UNREACHABLE}`, UNCONFIRMED),
  mcp: row('its input ended', UNREACHABLE),
  completion: { 0: 'printed', 2: 'wrong usage' },
  help: { 0: 'shown', 2: 'there is no such topic' },
};

const MAX_LINE = 118;

/** Returns the line of `--help` with a command's exit codes. */
export function exitCodeText(codes: ExitCodes): string {
  const words = Object.entries(codes).map(([code, meaning]) => `${code} ${meaning}`);
  const lines = [''];
  for (const word of `Exit code: ${words.join('; ')}.`.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + 1 + word.length > MAX_LINE) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

/** Returns the whole table as lines. */
export function exitCodeTable(): string {
  const rows = Object.entries(EXIT_CODES).flatMap(([command, codes]) =>
    Object.entries(codes).map(([code, meaning], nth) => `${(nth === 0 ? command : '').padEnd(22)}${code}  ${meaning}`),
  );
  return rows.join('\n');
}
