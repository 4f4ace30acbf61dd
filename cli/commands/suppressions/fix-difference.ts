import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { writeSuppression } from '../../../lambdas/adapters/table/events/event-repository.ts';
import { conditionalWrite, type LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { createErasureRepository } from '../../../lambdas/adapters/table/recipients/erasure-repository.ts';
import { RESTORED_ATTRIBUTE, UNKNOWN_DOMAIN } from '../../../lambdas/contract.ts';
import { eventKeyOf } from '../../../lambdas/domain/keys.ts';
import { type MailgunRequest, messageOf } from '../../access/mailgun-access.ts';
import type { CliContext } from '../../command.ts';
import { TargetUnavailableError } from '../../errors.ts';
import type { Difference } from './differences.ts';
import { askPatiently, LISTS } from './mailgun-lists.ts';

/** The dependencies to fix a difference; `sendToMailgun` only where Mailgun's lists are to be changed too. */
export interface FixTools {
  readonly context: Pick<CliContext, 'now' | 'sleep'>;
  readonly table: LedgerTable;
  readonly erasureKey: string;
  readonly sendToMailgun: MailgunRequest | undefined;
}

/** `erased`: the recipient is, so that nothing of them may come back. */
export type FixResult = 'fixed' | 'left' | 'erased';

/** Fixes one difference; each step may be the last before a crash, and may be repeated. */
export async function fix(difference: Difference, tools: FixTools): Promise<FixResult> {
  switch (difference.difference) {
    case 'not-here':
      return bringIn(difference, tools);
    case 'too-wide':
      await narrow(difference, tools);
      return 'fixed';
    case 'not-at-mailgun':
      return tools.sendToMailgun === undefined ? 'left' : addAtMailgun(difference, tools.sendToMailgun, tools);
    case 'lifted-here':
      return 'left';
    default:
      return difference satisfies never;
  }
}

/** Mailgun's words for an address that is on a list of its own. */
const REASONS = { bounce: 'suppress-bounce', complaint: 'suppress-complaint', unsubscribe: 'suppress-unsubscribe' };

type Of<Kind extends Difference['difference']> = Extract<Difference, { difference: Kind }>;

async function bringIn({ domain, kind, recipient, scopes, sinceMs }: Of<'not-here'>, tools: FixTools) {
  const { table, erasureKey, context } = tools;
  const erasures = createErasureRepository(table, { read: async () => erasureKey });
  if ((await erasures.among([recipient])).length > 0) return 'erased';
  const entry = { recipient, domain, atMs: sinceMs ?? context.now(), eventKey: eventKeyOf('listed', kind) };
  for (const scope of scopes) {
    await writeSuppression(table, entry, { kind, scope, reason: REASONS[kind], source: 'mailgun' });
  }
  return 'fixed';
}

/** First the tags, then the whole: cut in between, everything stays suppressed. */
async function narrow({ domain, kind, recipient, scopes, item }: Of<'too-wide'>, { table }: FixTools) {
  const { eventKey, reason, sinceMs, lastAtMs, pk, sk } = item;
  for (const atMs of new Set([sinceMs, lastAtMs])) {
    for (const scope of scopes) {
      await writeSuppression(table, { recipient, domain, atMs, eventKey }, { kind, scope, reason, source: 'mailgun' });
    }
  }
  // Lifted at its latest event, it stays so when that event comes in again; a later unsubscribe counts.
  await conditionalWrite(() =>
    table.client.send(
      new UpdateCommand({
        TableName: table.name,
        Key: { pk, sk },
        ConditionExpression:
          'attribute_exists(pk) AND (attribute_not_exists(liftedAt) OR liftedAt < :at) ' +
          'AND (attribute_not_exists(lastAt) OR lastAt = :at)',
        UpdateExpression: `SET liftedAt = :at REMOVE ${RESTORED_ATTRIBUTE}`,
        ExpressionAttributeValues: { ':at': lastAtMs },
      }),
    ),
  );
}

async function addAtMailgun(
  { domain, kind, recipient, scopes, listedScopes }: Of<'not-at-mailgun'>,
  ask: MailgunRequest,
  { context }: FixTools,
): Promise<FixResult> {
  // One of an unknown domain belongs to no list.
  if (domain === UNKNOWN_DOMAIN) return 'left';
  // An entry may replace that of its address, so it names the tags that are there, too.
  const tags = kind === 'unsubscribe' ? { tags: [...new Set([...listedScopes, ...scopes])] } : {};
  const path = `/v3/${encodeURIComponent(domain)}/${LISTS[kind]}`;
  const response = await askPatiently(context, ask, domain, 'POST', path, [{ address: recipient, ...tags }]);
  if (response.status === 200) return 'fixed';
  throw new TargetUnavailableError(`Mailgun did not add to the ${LISTS[kind]} of ${domain}: ${messageOf(response)}`);
}
