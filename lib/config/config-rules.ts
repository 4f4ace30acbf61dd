import type { EnvironmentConfig } from './config-schema.ts';
import { brokenLedgerRules } from './ledger-times.ts';
import { brokenSignatureRules, brokenTimeRules, processingTimes, type SignatureTimes } from './processing-times.ts';
import { brokenReceiverRules } from './receivers.ts';

/** What the rules need besides the environment itself. */
export interface RuleContext {
  readonly name: string;
  readonly currentAccount: string | undefined;
  /** The local stack compresses times; only the rules on times allow that. */
  readonly compressed: boolean;
  readonly signature: SignatureTimes;
}

type Rule = (config: Partial<EnvironmentConfig>, context: RuleContext) => string[];

/** Returns a line for each broken rule across keys; a key that is invalid itself is missing here and passes. */
export function brokenRules(config: Partial<EnvironmentConfig>, context: RuleContext): string[] {
  return RULES.flatMap((rule) => rule(config, context)).map((line) => `${context.name}.${line}`);
}

const PROD = 'prod';
/** RFC 2606 reserves these for documentation. The example prod in cdk.json uses `.internal`, so that a fresh clone synthesizes. */
const EXAMPLE_HOST = /(^|\.)(test|example|invalid|localhost|example\.(com|net|org))$/;

const RULES: Rule[] = [
  function rightAccount({ account }, { name, currentAccount }) {
    if (name === PROD && account === undefined) return ['account: is missing; prod must name its account'];
    if (account === undefined || currentAccount === undefined || account === currentAccount) return [];
    return [`account: got "${account}"; must be the account of the credentials in use, ${currentAccount}`];
  },

  function dataProtectedInProd({ protectData }, { name }) {
    return name === PROD && protectData === false ? ['protectData: got false; must be true in prod'] : [];
  },

  function noExampleDomainInProd(config, { name }) {
    if (name !== PROD) return [];
    return hostNames(config)
      .filter(({ host }) => EXAMPLE_HOST.test(host))
      .map(({ path, value }) => `${path}: got "${value}"; must not be an example domain in prod`);
  },

  function certificateInRegion({ region, customDomain }) {
    return Object.entries(customDomain ?? {}).flatMap(([api, domain]) => {
      const certificateRegion = domain?.certificateArn.split(':')[3];
      if (region === undefined || domain === undefined || certificateRegion === region) return [];
      return [
        `customDomain.${api}.certificateArn: is of ${certificateRegion}; must be of the stack's region ${region}`,
      ];
    });
  },

  function oneNamePerApi({ customDomain }) {
    const { webhook, read } = customDomain ?? {};
    if (webhook === undefined || webhook.name !== read?.name) return [];
    return [`customDomain.read.name: got "${read.name}"; must differ from customDomain.webhook.name`];
  },

  function times({ processing }, { compressed }) {
    if (processing === undefined) return [];
    return brokenTimeRules(processing, processingTimes(processing), compressed).map((text) => `processing: ${text}`);
  },

  function ledgerTimes({ reconcile }, { compressed }) {
    if (reconcile === undefined) return [];
    return brokenLedgerRules(reconcile, compressed).map((text) => `reconcile: ${text}`);
  },

  function receiversReachable({ receivers, publish }, { compressed }) {
    if (receivers === undefined || publish === undefined) return [];
    return brokenReceiverRules(receivers, publish, compressed);
  },

  function signatureTimes(_config, { signature }) {
    return brokenSignatureRules(signature).map((text) => `signature: ${text}`);
  },
];

/** Returns every host that a configuration names, with its path. */
function hostNames(config: Partial<EnvironmentConfig>) {
  const { domains = [], alarms, origins = [], readApi, customDomain = {}, receivers = [] } = config;
  const named = (path: string, values: string[] = []) =>
    values.map((value, index) => ({ path: `${path}[${index}]`, value, host: hostOf(value) }));
  return [
    ...domains.map(({ name }, index) => ({ path: `domains[${index}].name`, value: name, host: name })),
    ...named('alarms.page', alarms?.page),
    ...named('alarms.ticket', alarms?.ticket),
    ...named('origins', origins),
    ...receivers.map(({ url }, index) => ({ path: `receivers[${index}].url`, value: url, host: hostOf(url) })),
    ...(readApi?.jwt ? [issuerHost(readApi.jwt.issuer)] : []),
    ...Object.entries(customDomain).flatMap(([api, domain]) =>
      domain ? [{ path: `customDomain.${api}.name`, value: domain.name, host: domain.name }] : [],
    ),
  ];
}

const issuerHost = (issuer: string) => ({ path: 'readApi.jwt.issuer', value: issuer, host: hostOf(issuer) });

const hostOf = (address: string) =>
  (URL.canParse(address) ? new URL(address).hostname : address.slice(address.lastIndexOf('@') + 1)).toLowerCase();
