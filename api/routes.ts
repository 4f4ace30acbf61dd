import * as z from 'zod/mini';
import { address, cursor, day, from, limit, messageId, oneOf, statisticsTag, tags, to } from './parameters.ts';

/** Names under which the ledger keeps events; `other` is every name that has no meaning here. */
const EVENT_NAMES = [
  'accepted',
  'clicked',
  'complained',
  'delivered',
  'failed',
  'opened',
  'rejected',
  'stored',
  'unsubscribed',
  'email_validation',
  'list_member_uploaded',
  'list_member_upload_error',
  'list_uploaded',
  'other',
];

/** The domain of events whose sending domain is not known. */
export const UNKNOWN_DOMAIN = '-';

const type = z.optional(
  oneOf(EVENT_NAMES, 'one of ', {
    description: "Mailgun's name of the event; `other` for names that this ledger gives no meaning.",
  }),
);

/**
 * Every route of the read API, by the operation it is called in the description: its method, its path below /mailgun,
 * the parameter that may stand in the path behind it, and its parameters, which must name these sending domains.
 */
export function readRoutes(domains: readonly string[]) {
  const page = { limit, cursor };
  const domainOf = (names: readonly string[], description: string) => oneOf(names, 'one of ', { description });
  const only = domains.length === 1 ? domains[0] : undefined;
  const ofOurs = (names: readonly string[], description: string) => {
    const schema = domainOf(names, `${description} It may be left out where there is one only.`);
    return only === undefined ? schema : z._default(schema, only);
  };
  const withLedger = ofOurs(domains, 'A sending domain of the configuration.');
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
      parameters: z.strictObject({ address: address(), ...page }),
    },
    listEvents: {
      method: 'GET',
      path: '/events',
      inPath: undefined,
      parameters: z.strictObject({ domain: withEvents, day, from, to, type, ...page }),
    },
    searchEvents: {
      method: 'POST',
      path: '/events/search',
      inPath: undefined,
      parameters: z.strictObject({ recipient: z.optional(address()), domain: anyDomain, day, from, to, type, ...page }),
    },
    getSuppressions: {
      method: 'GET',
      path: '/suppressions',
      inPath: 'address',
      parameters: z.strictObject({ address: address(), domain: sendingDomain, tag: tags }),
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
      parameters: z.strictObject({ domain: withLedger, tag: statisticsTag, from, to }),
    },
    getHealth: { method: 'GET', path: '/health', inPath: undefined, parameters: z.strictObject({}) },
  } as const;
}

export type ReadRoutes = ReturnType<typeof readRoutes>;
export type Operation = keyof ReadRoutes;
/** The parameters of an operation as its use case gets them. */
export type Query<Name extends Operation> = z.output<ReadRoutes[Name]['parameters']>;
