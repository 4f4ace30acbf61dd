/** A route of an HTTP API, parsed from its key: `POST /webhooks/mailgun`, `ANY /mailgun/{proxy+}`, `$default`. */
export interface Route<Target> {
  readonly key: string;
  readonly target: Target;
  /** Undefined: any method. */
  readonly method: string | undefined;
  /** Undefined for `$default`, which matches whatever no other route does. */
  readonly segments: readonly Segment[] | undefined;
}

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'rest'; readonly name: string };

export interface RouteMatch<Target> {
  readonly route: Route<Target>;
  readonly pathParameters: Readonly<Record<string, string>>;
}

export function parseRoute<Target>(key: string, target: Target): Route<Target> {
  if (key === '$default') return { key, target, method: undefined, segments: undefined };
  const [method = '', path = ''] = key.split(' ');
  const segments = path.split('/').slice(1).map(parseSegment);
  return { key, target, method: method === 'ANY' ? undefined : method, segments };
}

function parseSegment(text: string): Segment {
  const [, name, plus] = /^\{([^}+]+)(\+?)\}$/.exec(text) ?? [];
  if (name === undefined) return { kind: 'literal', text };
  return plus ? { kind: 'rest', name } : { kind: 'parameter', name };
}

/** Returns the most specific route for a request: literals before parameters before `{x+}`, a method before ANY. */
export function matchRoute<Target>(
  routes: readonly Route<Target>[],
  method: string,
  path: string,
): RouteMatch<Target> | undefined {
  const matches = routes.flatMap((route) => {
    if (route.method !== undefined && route.method !== method) return [];
    const pathParameters = matchSegments(route.segments, path);
    return pathParameters ? [{ route, pathParameters }] : [];
  });
  return matches.sort((a, b) => compareRanks(rank(a.route), rank(b.route)))[0];
}

function matchSegments(segments: Route<unknown>['segments'], path: string): Record<string, string> | undefined {
  if (!segments) return {};
  const parts = path.split('/').slice(1);
  const parameters: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if (segment.kind === 'rest') {
      const rest = parts.slice(index).join('/');
      return rest === '' ? undefined : { ...parameters, [segment.name]: rest };
    }
    if (segment.kind === 'literal' ? part !== segment.text : part === '') return undefined;
    if (segment.kind === 'parameter') parameters[segment.name] = part;
  }
  return parts.length === segments.length ? parameters : undefined;
}

const KIND_RANK = { literal: '0', parameter: '1', rest: '2' } as const;

function rank(route: Route<unknown>): string {
  if (!route.segments) return '9';
  const methodRank = route.method === undefined ? '1' : '0';
  return route.segments.map(({ kind }) => KIND_RANK[kind]).join('') + methodRank;
}

const compareRanks = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
