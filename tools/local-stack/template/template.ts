export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Mappings?: Readonly<Record<string, Record<string, Record<string, unknown>>>>;
}

/** Values from outside the template. */
interface Surroundings {
  /** AWS::Region, AWS::AccountId and so on. */
  readonly pseudoParameters: Readonly<Record<string, string>>;
  /** Returns `Fn::GetAtt`, or `Ref` under the attribute name `Ref`; throws if unknown. */
  attribute(logicalId: string, name: string): string;
}

/** Replaces every intrinsic function in a value; throws for an unknown one and says where. */
export type Resolve = (value: unknown, where: string) => unknown;

type Intrinsic = (argument: unknown, where: string) => unknown;

/** Marks an absent property (`AWS::NoValue`). */
const NO_VALUE = Symbol('AWS::NoValue');

export function createResolver(template: Template, surroundings: Surroundings): Resolve {
  const resolve = (value: unknown, where: string): unknown => {
    if (Array.isArray(value)) {
      return value.map((item, index) => resolve(item, `${where}/${index}`)).filter((item) => item !== NO_VALUE);
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries[0] ?? ['', undefined];
    if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
      const intrinsic = intrinsics[name];
      if (!intrinsic) throw new Error(`${where}: the local stack does not know the intrinsic ${name}`);
      return intrinsic(argument, `${where}/${name}`);
    }
    const resolved = entries.map(([key, item]) => [key, resolve(item, `${where}/${key}`)] as const);
    return Object.fromEntries(resolved.filter(([, item]) => item !== NO_VALUE));
  };

  const reference = (name: string, where: string): unknown => {
    if (name === 'AWS::NoValue') return NO_VALUE;
    const pseudo = surroundings.pseudoParameters[name];
    if (pseudo !== undefined) return pseudo;
    const parameter = template.Parameters?.[name];
    if (parameter) {
      if (parameter.Default === undefined) throw new Error(`${where}: the parameter ${name} has no default`);
      return parameter.Default;
    }
    if (!template.Resources[name]) throw new Error(`${where}: the template holds nothing called ${name}`);
    return surroundings.attribute(name, 'Ref');
  };

  const attribute = (path: string, where: string): unknown => {
    const [logicalId = '', ...name] = path.split('.');
    if (!template.Resources[logicalId]) throw new Error(`${where}: the template holds no resource ${logicalId}`);
    return surroundings.attribute(logicalId, name.join('.'));
  };

  const condition = (name: string, where: string): boolean => {
    const expression = template.Conditions?.[name];
    if (expression === undefined) throw new Error(`${where}: the template holds no condition ${name}`);
    return holds(expression, `Conditions/${name}`);
  };

  const holds = (expression: unknown, where: string): boolean => {
    if (isRecord(expression) && typeof expression.Condition === 'string') return condition(expression.Condition, where);
    return resolve(expression, where) === true;
  };

  const substitute = (text: string, own: Record<string, unknown>, where: string): string =>
    text.replace(/\$\{(!?)([^}]*)\}/g, (_, literal, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in own) return asText(own[name], where);
      return asText(name.includes('.') ? attribute(name, where) : reference(name, where), where);
    });

  const intrinsics: Readonly<Record<string, Intrinsic>> = {
    Ref: (argument, where) => reference(asText(argument, where), where),
    'Fn::GetAtt': (argument, where) =>
      attribute(Array.isArray(argument) ? argument.join('.') : asText(argument, where), where),
    'Fn::Join': (argument, where) => {
      const [separator, parts] = asList(argument, where);
      return asList(resolve(parts, where), where)
        .map((part) => asText(part, where))
        .join(asText(separator, where));
    },
    'Fn::Sub': (argument, where) => {
      const [text, own] = Array.isArray(argument) ? argument : [argument, {}];
      return substitute(asText(text, where), resolve(own, where) as Record<string, unknown>, where);
    },
    'Fn::Select': (argument, where) => {
      const [index, list] = asList(resolve(argument, where), where);
      const item = asList(list, where)[Number(index)];
      if (item === undefined) throw new Error(`${where}: there is no item ${String(index)}`);
      return item;
    },
    'Fn::Split': (argument, where) => {
      const [separator, text] = asList(resolve(argument, where), where);
      return asText(text, where).split(asText(separator, where));
    },
    'Fn::If': (argument, where) => {
      const [name, then, otherwise] = asList(argument, where);
      return resolve(condition(asText(name, where), where) ? then : otherwise, where);
    },
    'Fn::FindInMap': (argument, where) => {
      const [map, first, second] = asList(resolve(argument, where), where).map((key) => asText(key, where));
      const found = template.Mappings?.[map ?? '']?.[first ?? '']?.[second ?? ''];
      if (found === undefined) throw new Error(`${where}: the mapping ${map} has no ${first}.${second}`);
      return found;
    },
    'Fn::Equals': (argument, where) => {
      const [one, other] = asList(resolve(argument, where), where);
      return String(one) === String(other);
    },
    'Fn::Not': (argument, where) => !asList(argument, where).every((item) => holds(item, where)),
    'Fn::And': (argument, where) => asList(argument, where).every((item) => holds(item, where)),
    'Fn::Or': (argument, where) => asList(argument, where).some((item) => holds(item, where)),
  };

  return (value, where) => {
    const resolved = resolve(value, where);
    return resolved === NO_VALUE ? undefined : resolved;
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asText(value: unknown, where: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${where}: expected a text, found ${JSON.stringify(value)}`);
}

function asList(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${where}: expected a list, found ${JSON.stringify(value)}`);
}
