import { functionIdOf, keyNamesOf, resourcesOfType, shortName } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';
import type { Resource } from '../template/template.ts';

type Json = Readonly<Record<string, unknown>>;

/** A statement about tables: what it allows, on items of which partitions. */
interface Allowed {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Patterns of partition keys; undefined where every partition is allowed. */
  readonly partitions: readonly string[] | undefined;
}

/** The tables and partitions that a request reaches: of a table none where the key is not in the request. */
interface Reached {
  readonly resource: string;
  readonly keys: readonly string[] | undefined;
}

/** Operations whose requests carry the keys of their items, and where; all others reach tables as a whole. */
const KEYS_OF: Readonly<Record<string, (request: Json) => readonly Json[]>> = {
  GetItem: ({ Key }) => [Key as Json],
  UpdateItem: ({ Key }) => [Key as Json],
  DeleteItem: ({ Key }) => [Key as Json],
  PutItem: ({ Item }) => [Item as Json],
  BatchGetItem: ({ Keys }) => Keys as readonly Json[],
};

/**
 * The permissions of a template's functions on its tables, as IAM grants them: by action, table or index, and partition
 * key. It remembers which were used.
 */
export class TablePermissions {
  readonly #stack: Stack;
  readonly #keyNamesOf: (table: string) => string[];
  readonly #allowed: ReadonlyMap<string, readonly Allowed[]>;
  readonly #used = new Set<string>();

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#keyNamesOf = keyNamesOf(stack.template);
    this.#allowed = readAllowed(stack);
  }

  /**
   * Returns what a function lacks for a request, as AWS reports it; undefined where it may. Not judged are callers that are
   * none of the template's functions or have further rights, and transactions, of which IAM judges each item.
   */
  denial(caller: string, operation: string, body: Buffer): string | undefined {
    const allowed = this.#allowed.get(caller);
    if (allowed === undefined || operation.startsWith('Transact')) return undefined;
    const action = `dynamodb:${operation}`;
    for (const { resource, keys } of this.#reachedBy(operation, JSON.parse(body.toString('utf8')))) {
      if (!this.#allows(allowed, caller, action, resource, keys)) {
        return `${caller} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
      }
    }
    return undefined;
  }

  /** Returns by function what it may and has not done yet: actions, each with its partitions. */
  unused(): Record<string, string[]> {
    return Object.fromEntries(
      [...this.#allowed].map(([caller, allowed]) => {
        const names = allowed.flatMap(({ actions, partitions = ['*'] }) =>
          actions.flatMap((action) => partitions.map((partition) => `${action} ${partition}`)),
        );
        return [caller, names.filter((name) => !this.#used.has(`${caller} ${name}`))];
      }),
    );
  }

  #allows(
    allowed: readonly Allowed[],
    caller: string,
    action: string,
    resource: string,
    keys: readonly string[] | undefined,
  ): boolean {
    for (const { actions, resources, partitions } of allowed) {
      const by = actions.find((each) => isLike(action, each));
      if (by === undefined || !resources.some((each) => isLike(resource, each))) continue;
      const matched =
        partitions === undefined ? ['*'] : keys?.map((key) => partitions.find((each) => isLike(key, each)));
      if (matched === undefined || matched.includes(undefined)) continue;
      for (const partition of matched) this.#used.add(`${caller} ${by} ${partition}`);
      return true;
    }
    return false;
  }

  #reachedBy(operation: string, request: Json): Reached[] {
    const { region, accountId } = this.#stack.account;
    const arnOf = (table: string) => `arn:aws:dynamodb:${region}:${accountId}:table/${table}`;
    const reached = (table: string, part: Json): Reached => {
      const [partitionKey = ''] = this.#keyNamesOf(table);
      const keys = KEYS_OF[operation]?.(part).map((item) => String(Object.values(item[partitionKey] ?? {})[0]));
      const index = part.IndexName === undefined ? '' : `/index/${part.IndexName}`;
      return { resource: arnOf(table) + index, keys };
    };
    if (request.RequestItems === undefined) return [reached(String(request.TableName), request)];
    return Object.entries(request.RequestItems as Json).map(([table, part]) => reached(table, part as Json));
  }
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotAction?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

interface PolicyProperties {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] };
  readonly Roles?: readonly string[];
}

interface RoleProperties {
  readonly Policies?: readonly unknown[];
  readonly ManagedPolicyArns?: readonly string[];
}

/** AWS's own policies that every function of the CDK has: logs, and the like. */
const USUAL_POLICY = /:policy\/service-role\/AWSLambda/;

/** Reads by function what the policies of its role allow on tables; leaves out functions whose rights come from more. */
function readAllowed(stack: Stack): Map<string, readonly Allowed[]> {
  const policies = resourcesOfType(stack.template, 'AWS::IAM::Policy').map(([id, resource]) => {
    const { PolicyDocument, Roles = [] } = propertiesOf<PolicyProperties>(stack, id, resource);
    return { roles: Roles, allowed: PolicyDocument.Statement.flatMap((statement) => allowedBy(statement, id)) };
  });
  const hasFurtherRights = ([id, resource]: [string, Resource]) => {
    const { Policies = [], ManagedPolicyArns = [] } = propertiesOf<RoleProperties>(stack, id, resource);
    return Policies.length > 0 || ManagedPolicyArns.some((arn) => !USUAL_POLICY.test(arn));
  };
  const roles = resourcesOfType(stack.template, 'AWS::IAM::Role');
  const judged = new Set(roles.filter((role) => !hasFurtherRights(role)).map(([id]) => id));
  const functions = resourcesOfType(stack.template, 'AWS::Lambda::Function').flatMap(([id, resource]) => {
    const role = functionIdOf(propertiesOf<{ Role: string }>(stack, id, resource).Role);
    const own = policies.filter(({ roles }) => roles.includes(role)).flatMap(({ allowed }) => allowed);
    return judged.has(role) ? [[shortName(id, resource), own] as const] : [];
  });
  return new Map(functions);
}

const listOf = (value: string | readonly string[]): readonly string[] => [value].flat();

const LEADING_KEYS = 'dynamodb:LeadingKeys';

/** Returns what a statement allows on tables; throws for a condition that this file does not evaluate. */
function allowedBy(statement: Statement, policy: string): Allowed[] {
  const { Effect, Action = '*', Resource = '*', NotAction, NotResource, Condition = {} } = statement;
  const actions = listOf(Action).filter((action) => action === '*' || action.startsWith('dynamodb:'));
  // Streams are read by Lambda's poller.
  const resources = listOf(Resource).filter((resource) => !resource.includes('/stream/'));
  if (actions.length === 0 || resources.length === 0) return [];
  const { 'ForAllValues:StringLike': like = {}, Null: absent = {}, ...others } = Condition;
  const { [LEADING_KEYS]: partitions, ...otherKeys } = like;
  const { [LEADING_KEYS]: mayLack = 'true', ...otherAbsent } = absent;
  const unknown = [others, otherKeys, otherAbsent].flatMap(Object.keys);
  // A request without keys would fulfil the one condition without the other.
  if (partitions !== undefined && mayLack !== 'false') unknown.push(`${LEADING_KEYS} without Null`);
  if (Effect !== 'Allow') unknown.push(Effect);
  if (NotAction !== undefined) unknown.push('NotAction');
  if (NotResource !== undefined) unknown.push('NotResource');
  if (unknown.length > 0)
    throw new Error(`the local stack does not know ${unknown.join(', ')} of policies (${policy})`);
  return [{ actions, resources, partitions: partitions === undefined ? undefined : listOf(partitions) }];
}

const EXPRESSIONS = new Map<string, RegExp>();

/** Compares as IAM's StringLike: `*` stands for any text, `?` for one character. */
function isLike(text: string, pattern: string): boolean {
  const source = pattern
    .replaceAll(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = EXPRESSIONS.get(pattern) ?? new RegExp(`^${source}$`, 's');
  EXPRESSIONS.set(pattern, expression);
  return expression.test(text);
}
