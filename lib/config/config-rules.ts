import { ACCOUNT_DOMAINS } from '../../lambdas/contract.ts';
import type { EnvironmentConfig } from './config-schema.ts';
import { brokenShardRules } from './day-shards.ts';
import { eventDays } from './derived-defaults.ts';
import { brokenSizeRules } from './environment-size.ts';
import { brokenLedgerRules, brokenRetentionRules } from './ledger-times.ts';
import { brokenSignatureRules, brokenTimeRules, processingTimes, type SignatureTimes } from './processing-times.ts';
import { brokenReceiverRules } from './receivers.ts';
import { brokenTableRules } from './table-choice.ts';

/** The input of the rules besides the environment itself. */
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
/** AWS allows 50 tags on a resource; CloudFormation and CDK add some of their own. */
const MAX_TAGS = 45;
/** Those that the stack sets itself. */
const OWN_TAGS = ['app', 'env', 'version'];
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
      const needed = api === 'dashboard' ? 'us-east-1' : region;
      if (needed === undefined || domain === undefined || certificateRegion === needed) return [];
      const why = api === 'dashboard' ? 'us-east-1, where CloudFront looks' : `the stack's region ${region}`;
      return [`customDomain.${api}.certificateArn: is of ${certificateRegion}; must be of ${why}`];
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

  function retentions({ retentionDays, seal, reconcile }) {
    if (retentionDays === undefined || seal === undefined) return [];
    const kept = { statusDays: retentionDays.statuses, isArchived: seal.enabled };
    return brokenRetentionRules(eventDays({ retentionDays, seal }), kept, reconcile);
  },

  function receiversReachable({ receivers, publish }, { compressed }) {
    if (receivers === undefined || publish === undefined) return [];
    return brokenReceiverRules(receivers, publish, compressed);
  },

  brokenSizeRules,

  function tagsOfAws({ tags = {} }) {
    const keys = [...new Set([...Object.keys(tags), ...OWN_TAGS])];
    const lines: string[] = [];
    if (keys.length > MAX_TAGS) {
      lines.push(`tags: are ${keys.length} with ${OWN_TAGS.join(', ')}; must be at most ${MAX_TAGS}`);
    }
    const twice = keys.find((key, index) => keys.findIndex((other) => sameTag(key, other)) < index);
    if (twice !== undefined)
      lines.push(`tags.${twice}: differs by case alone from another key; IAM takes both for one`);
    return lines;
  },

  function noLoopbackInProd({ origins = [], readApi }, { name }) {
    if (name !== PROD) return [];
    const issuer = readApi?.jwt === undefined ? [] : [issuerHost(readApi.jwt.issuer)];
    return [...named('origins', origins), ...issuer]
      .filter(({ host }) => host === '127.0.0.1')
      .map(({ path, value }) => `${path}: got "${value}"; must not be this machine in prod`);
  },

  function busInRegion({ region, publish }) {
    const [, , , busRegion] = publish?.bus.split(':') ?? [];
    if (region === undefined || busRegion === undefined || busRegion === region) return [];
    return [`publish.bus: is in ${busRegion}; must be in the stack's region ${region}, whose bus can forward`];
  },

  function logsInRegion({ region, exportLogsTo }) {
    const exportRegion = exportLogsTo?.split(':')[3];
    if (region === undefined || exportRegion === undefined || exportRegion === region) return [];
    return [`exportLogsTo: is in ${exportRegion}; must be in the stack's region ${region}`];
  },

  function logsInAccount({ account, exportLogsTo }, { currentAccount }) {
    const [, , service, , exportAccount] = exportLogsTo?.split(':') ?? [];
    const own = account ?? currentAccount;
    // Only a destination of CloudWatch Logs may be in another account.
    if (service !== 'firehose' || own === undefined || exportAccount === own) return [];
    return [
      `exportLogsTo: is of account ${exportAccount}; a Firehose stream must be of the stack's own, and a destination of CloudWatch Logs may be of another`,
    ];
  },

  function rulesInAccount({ account, receivers = [], publish }, { currentAccount }) {
    const [, , , , busAccount] = publish?.bus.split(':') ?? [];
    if (receivers.length === 0 || busAccount === undefined || busAccount === (account ?? currentAccount)) return [];
    return [
      `publish.bus: is of account ${busAccount}; with receivers it must be of the stack's own, best by its name, for an account has rules on its own buses only`,
    ];
  },

  function failedNoticesReachSomeone({ alarms }) {
    if (!alarms?.notify || alarms.page.length > 0) return [];
    return ['alarms.page: got []; must name an address where alarms.notify is on, so that failed notices are reported'];
  },

  function tablePaidFor({ table, seal }, { name }) {
    if (table === undefined) return [];
    return brokenTableRules(table, name === PROD && seal?.enabled !== true).map((text) => `table.${text}`);
  },

  function shardsOnlyRise({ shards = [] }) {
    return brokenShardRules(shards);
  },

  function signatureTimes(_config, { signature }) {
    return brokenSignatureRules(signature).map((text) => `signature: ${text}`);
  },
];

/** Returns every host that a configuration names, with its path. */
function hostNames(config: Partial<EnvironmentConfig>) {
  const { domains = [], alarms, origins = [], readApi, customDomain = {}, receivers = [] } = config;
  return [
    ...(domains === ACCOUNT_DOMAINS ? [] : domains).map(({ name }, index) => ({
      path: `domains[${index}].name`,
      value: name,
      host: name,
    })),
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

const named = (path: string, values: string[] = []) =>
  values.map((value, index) => ({ path: `${path}[${index}]`, value, host: hostOf(value) }));

const sameTag = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

const issuerHost = (issuer: string) => ({ path: 'readApi.jwt.issuer', value: issuer, host: hostOf(issuer) });

const hostOf = (address: string) =>
  (URL.canParse(address) ? new URL(address).hostname : address.slice(address.lastIndexOf('@') + 1)).toLowerCase();
