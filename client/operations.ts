import type * as z from 'zod/mini';
import type { CampaignResponse } from '../api/responses/campaign.ts';
import type { EventsResponse, TailResponse } from '../api/responses/events.ts';
import type { HealthResponse } from '../api/responses/health.ts';
import type { LedgerResponse, StatsResponse } from '../api/responses/ledger.ts';
import type { MailsResponse } from '../api/responses/mails.ts';
import type { MessageResponse } from '../api/responses/message.ts';
import type { DeliveriesResponse, ReceiversResponse } from '../api/responses/receivers.ts';
import type { RecipientResponse } from '../api/responses/recipient.ts';
import type {
  SuppressionCheckResponse,
  SuppressionListResponse,
  SuppressionsResponse,
} from '../api/responses/suppressions.ts';
import type { Operation, ReadRoutes } from '../api/routes.ts';

export type { CampaignFailureEntry, CampaignResponse } from '../api/responses/campaign.ts';
export type { EventEntry, EventsResponse, TailResponse } from '../api/responses/events.ts';
export type { HealthResponse } from '../api/responses/health.ts';
export type { LedgerResponse, SliceEntry, StatsBucket, StatsResponse } from '../api/responses/ledger.ts';
export type { MailEntry, MailsResponse } from '../api/responses/mails.ts';
export type { MessageResponse, RecipientStatus } from '../api/responses/message.ts';
export type {
  DeliveriesResponse,
  DeliveryEntry,
  ReceiverEntry,
  ReceiversResponse,
} from '../api/responses/receivers.ts';
export type { RecipientMessageEntry, RecipientResponse } from '../api/responses/recipient.ts';
export type {
  ListedSuppressionEntry,
  SuppressionCheckResponse,
  SuppressionEntry,
  SuppressionListResponse,
  SuppressionsResponse,
} from '../api/responses/suppressions.ts';
export type { Operation } from '../api/routes.ts';

/** The response of each operation of the read API. */
export interface Responses {
  readonly getMessage: MessageResponse;
  readonly getRecipient: RecipientResponse;
  readonly listMails: MailsResponse;
  readonly listEvents: EventsResponse;
  readonly searchEvents: EventsResponse;
  readonly tailEvents: TailResponse;
  readonly getSuppressions: SuppressionsResponse;
  readonly listSuppressions: SuppressionListResponse;
  readonly checkSuppressions: SuppressionCheckResponse;
  readonly getLedger: LedgerResponse;
  readonly getStats: StatsResponse;
  readonly getReceivers: ReceiversResponse;
  readonly listDeliveries: DeliveriesResponse;
  readonly getCampaign: CampaignResponse;
  readonly getHealth: HealthResponse;
}

type Parameters<Name extends Operation> = ReadRoutes[Name]['parameters']['shape'];
type Optional<Shape> = {
  [Key in keyof Shape]: undefined extends z.input<Shape[Key] & z.ZodMiniType> ? Key : never;
}[keyof Shape];

/** A date is sent as ISO 8601; the API checks the text. */
type ParameterValue = string | number | Date;

type ValueOf<Key> = Key extends 'addresses'
  ? readonly string[]
  : Key extends 'tag'
    ? ParameterValue | readonly string[]
    : ParameterValue;

/** The parameters of an operation by their names in the description; user variables are `var.<name>`. */
export type QueryOf<Name extends Operation> = {
  readonly [Key in Exclude<keyof Parameters<Name>, Optional<Parameters<Name>> | 'variables'>]: ValueOf<Key>;
} & {
  readonly [Key in Exclude<Optional<Parameters<Name>>, 'variables'>]?: ValueOf<Key> | undefined;
} & ('variables' extends keyof Parameters<Name> ? { readonly [variable: `var.${string}`]: string } : unknown);

/** The operations whose responses come in pages, and the name of what a page lists. */
export const PAGED = {
  getMessage: 'events',
  getRecipient: 'messages',
  listMails: 'mails',
  listEvents: 'events',
  searchEvents: 'events',
  listSuppressions: 'suppressions',
  listDeliveries: 'deliveries',
} as const;

export type PagedOperation = keyof typeof PAGED;

/** An entry of the pages of an operation. */
export type EntryOf<Name extends PagedOperation> =
  Responses[Name] extends Readonly<Record<(typeof PAGED)[Name], readonly (infer Entry)[]>> ? Entry : never;

/** Method and path below /mailgun; their types are those of the routes, so that neither can differ. */
export const PATHS = {
  getMessage: ['GET', '/messages'],
  getRecipient: ['GET', '/recipients'],
  listMails: ['GET', '/mails'],
  listEvents: ['GET', '/events'],
  searchEvents: ['POST', '/events/search'],
  tailEvents: ['GET', '/events/tail'],
  getSuppressions: ['GET', '/suppressions'],
  listSuppressions: ['GET', '/suppressions'],
  checkSuppressions: ['POST', '/suppressions/check'],
  getLedger: ['GET', '/ledger'],
  getStats: ['GET', '/stats'],
  getReceivers: ['GET', '/receivers'],
  listDeliveries: ['GET', '/receivers/deliveries'],
  getCampaign: ['GET', '/campaigns'],
  getHealth: ['GET', '/health'],
} as const satisfies { [Name in Operation]: readonly [ReadRoutes[Name]['method'], ReadRoutes[Name]['path']] };
