import * as z from 'zod/mini';
import { UNKNOWN_DOMAIN } from '../lambdas/contract.ts';
import { EVENT_NAMES, STATUS_FILTERS, SUPPRESSION_KINDS } from '../lambdas/domain/event-types.ts';
import {
  address,
  addresses,
  campaignFrom,
  campaignTag,
  causes,
  cursor,
  day,
  deliveryId,
  deliveryMessage,
  deliveryState,
  engagement,
  eventTag,
  from,
  hours,
  limit,
  messageId,
  messageTag,
  oneOf,
  openFrom,
  openTo,
  severity,
  since,
  statisticsTag,
  statsBy,
  statsPer,
  subject,
  tags,
  tailFrom,
  to,
  variables,
} from './parameters.ts';

/** Names of Mailgun's that have no meaning here, and any other name. */
const OTHER_NAMES = ['email_validation', 'list_member_uploaded', 'list_member_upload_error', 'list_uploaded', 'other'];

const status = z.optional(
  oneOf(STATUS_FILTERS, 'one of ', {
    description: 'Only messages of this status; `pending` is accepted or deferred.',
  }),
);

const kind = z.optional(oneOf(SUPPRESSION_KINDS, 'one of ', { description: 'Only suppressions of this kind.' }));

const type = z.optional(
  oneOf([...EVENT_NAMES, ...OTHER_NAMES], 'one of ', {
    description:
      "Mailgun's name of the event, with `severity` for one kind of `failed`; `other` for names that have no meaning here.",
  }),
);

/** Position of a parameter in a route's path. */
interface InPath {
  readonly path: string;
  readonly inPath: string | undefined;
  /** Pattern of the path form, if the parameter is not at its end. */
  readonly pathForm?: string;
}

/** Returns the path of a route with its parameter in braces; undefined if it has none. */
export const pathFormOf = ({ path, inPath, pathForm }: InPath): string | undefined =>
  inPath === undefined ? undefined : (pathForm ?? `${path}/{${inPath}}`);

/**
 * Returns every route of the read API by its operation in the description: method, path below /mailgun, path parameter,
 * and parameters, which accept only these sending domains and receivers.
 */
export function readRoutes(
  domains: readonly string[],
  receivers: readonly string[],
  only = domains.length === 1 ? domains[0] : undefined,
) {
  const page = { limit, cursor };
  const filters = { type, tag: eventTag, severity, subject, variables };
  const domainOf = (names: readonly string[], description: string) => oneOf(names, 'one of ', { description });
  const ofOurs = (names: readonly string[], description: string) => {
    const schema = domainOf(names, `${description} It may be left out where there is one only.`);
    return only === undefined ? schema : z._default(schema, only);
  };
  const withLedger = ofOurs(domains, 'A sending domain of the configuration.');
  const withStats = z.optional(
    domainOf(
      domains,
      'A sending domain of the configuration. It may be left out where there is one only, and with `by=domain`, which then counts all.',
    ),
  );
  const withEvents = ofOurs(
    [...domains, UNKNOWN_DOMAIN],
    'A sending domain of the configuration, or `-` for events that name none.',
  );
  const anyDomain = z.optional(
    domainOf([...domains, UNKNOWN_DOMAIN], 'Only events of this sending domain, `-` for events that name none.'),
  );
  const sendingDomain = z.optional(domainOf(domains, 'Count only what holds for mail of this sending domain.'));
  return {
    getMessage: {
      method: 'GET',
      path: '/messages',
      inPath: 'id',
      parameters: z.strictObject({ id: messageId, ...page }),
    },
    getRecipient: {
      method: 'GET',
      path: '/recipients',
      inPath: 'address',
      parameters: z.strictObject({
        address: address(),
        status,
        tag: messageTag,
        from: openFrom,
        to: openTo,
        engagement,
        ...page,
      }),
    },
    listMails: {
      method: 'GET',
      path: '/mails',
      inPath: undefined,
      parameters: z.strictObject({ domain: withEvents, day, from, to, status, tag: messageTag, engagement, ...page }),
    },
    listEvents: {
      method: 'GET',
      path: '/events',
      inPath: undefined,
      parameters: z.strictObject({ domain: withEvents, day, from, to, ...filters, ...page }),
    },
    searchEvents: {
      method: 'POST',
      path: '/events/search',
      inPath: undefined,
      parameters: z.strictObject({
        recipient: z.optional(address()),
        domain: anyDomain,
        day,
        from,
        to,
        ...filters,
        ...page,
      }),
    },
    tailEvents: {
      method: 'GET',
      path: '/events/tail',
      inPath: undefined,
      parameters: z.strictObject({
        recipient: z.optional(address()),
        domain: anyDomain,
        from: tailFrom,
        ...filters,
        ...page,
      }),
    },
    checkSuppressions: {
      method: 'POST',
      path: '/suppressions/check',
      inPath: undefined,
      parameters: z.strictObject({ addresses, domain: sendingDomain, tag: tags }),
    },
    /** The path of the route behind it, for a request that names no address. */
    listSuppressions: {
      method: 'GET',
      path: '/suppressions',
      inPath: undefined,
      without: 'address',
      parameters: z.strictObject({ domain: withEvents, kind, since, ...page }),
    },
    getSuppressions: {
      method: 'GET',
      path: '/suppressions',
      inPath: 'address',
      parameters: z.strictObject({ address: address(), domain: sendingDomain, tag: tags, causes }),
    },
    getLedger: {
      method: 'GET',
      path: '/ledger',
      inPath: undefined,
      parameters: z.strictObject({ domain: withLedger, from, to }),
    },
    getStats: {
      method: 'GET',
      path: '/stats',
      inPath: undefined,
      parameters: z.strictObject({ domain: withStats, tag: statisticsTag, by: statsBy, per: statsPer, from, to }),
    },
    getReceivers: { method: 'GET', path: '/receivers', inPath: undefined, parameters: z.strictObject({ hours }) },
    listDeliveries: {
      method: 'GET',
      path: '/receivers/deliveries',
      inPath: 'receiver',
      pathForm: '/receivers/{receiver}/deliveries',
      parameters: z.strictObject({
        receiver: oneOf(receivers, receivers.length === 0 ? 'a receiver, and there is none' : 'one of ', {
          description: 'The name of a receiver of the configuration.',
        }),
        state: deliveryState,
        id: deliveryId,
        message: deliveryMessage,
        day,
        from,
        to,
        ...page,
      }),
    },
    getCampaign: {
      method: 'GET',
      path: '/campaigns',
      inPath: 'tag',
      parameters: z.strictObject({ tag: campaignTag, domain: withLedger, from: campaignFrom, to }),
    },
    getHealth: { method: 'GET', path: '/health', inPath: undefined, parameters: z.strictObject({}) },
  } as const;
}

export type ReadRoutes = ReturnType<typeof readRoutes>;
export type Operation = keyof ReadRoutes;
/** The parameters of an operation as its use case gets them. */
export type Query<Name extends Operation> = z.output<ReadRoutes[Name]['parameters']>;
