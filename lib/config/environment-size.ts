import { ACCOUNT_DOMAINS } from '../../lambdas/contract.ts';
import { encodeHeldElsewhere } from '../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import type { EnvironmentConfig } from './config-schema.ts';
import { dayShards } from './day-shards.ts';

/** Lambda's limit for names and values of a function's environment. */
export const MAX_ENVIRONMENT_BYTES = 4096;
/** Limit for configured lists; the read API's other variables, with every option on, fit into the rest. */
const MAX_LISTED_BYTES = 2000;
/** The same for reconcile, which has fewer other variables. */
const MAX_RECONCILE_BYTES = 2600;

type Domains = EnvironmentConfig['domains'];

/** Returns the domains as functions read them from their environment; with their regions, `<domain>=<us|eu>` each. */
export const domainList = (domains: Domains, withRegions = true): string =>
  domains === ACCOUNT_DOMAINS
    ? domains
    : domains.map(({ name, region }) => (withRegions ? `${name}=${region}` : name)).join(',');

/** Returns the configured names; undefined if they come from Mailgun. */
export const configuredNames = (domains: Domains): string[] | undefined =>
  domains === ACCOUNT_DOMAINS ? undefined : domains.map(({ name }) => name);

const sizeOf = (texts: readonly string[]) => texts.join(',').length;

const listOf = ({ domains = [], shards = [] }: Pick<Partial<EnvironmentConfig>, 'domains' | 'shards'>) => [
  domainList(domains),
  dayShards({ shards }).DAY_SHARDS ?? '',
];

/** Returns a sentence for each list that does not fit into a function's environment. */
export function brokenSizeRules(config: Partial<EnvironmentConfig>): string[] {
  const { issuer = '', audience = '' } = config.readApi?.jwt ?? {};
  const bytes = sizeOf([...listOf(config), ...(config.origins ?? []), issuer, audience]);
  if (bytes <= MAX_LISTED_BYTES) return [];
  return [
    `domains: take ${bytes} bytes together with origins, shards and readApi.jwt; must be at most ${MAX_LISTED_BYTES}, for a function takes ${MAX_ENVIRONMENT_BYTES} bytes of environment; a second environment can take the others`,
  ];
}

/** Returns the domains of other environments of cdk.json for reconcile, as far as they fit. */
export function heldElsewhere(config: EnvironmentConfig, environments: unknown, name: string): string {
  // A name that no stack can have may hold what separates names from marks.
  const others = Object.entries(environments as object).filter(([other]) => other !== name && /^[\w-]+$/.test(other));
  const held = others.map(([other, environment]) => [other, namesIn(environment)] as const);
  return encodeHeldElsewhere(Object.fromEntries(held), MAX_RECONCILE_BYTES - sizeOf(listOf(config)));
}

/** Another environment may be invalid, which is reported when it is chosen. */
function namesIn(environment: unknown): string[] {
  const { domains } = (environment ?? {}) as { domains?: unknown };
  if (!Array.isArray(domains)) return [];
  return domains.map((domain) => domain?.name).filter((name) => typeof name === 'string');
}
