import type { Drift } from '../../lambdas/domain/webhook-drift.ts';
import type { PlaceOptions } from '../command.ts';
import type { Target } from '../target.ts';
import { WrongInput } from '../wrong-input.ts';
import type { DriftLine } from './lines.ts';

export interface DomainOptions extends PlaceOptions {
  readonly domain?: string;
}

export const DOMAIN_OPTION = ['--domain <name>', 'only this sending domain (all of the stack)'] as const;

/** What one stack wants of Mailgun. */
export interface Wish {
  readonly domains: readonly string[];
  readonly url: string;
  readonly types: readonly string[];
}

export function wishOf(target: Target, { domain }: DomainOptions): Wish {
  if (domain !== undefined && !target.domains.includes(domain)) {
    throw new WrongInput(`--domain ${domain} is none of the stack's: ${target.domains.join(', ')}`);
  }
  return {
    domains: domain === undefined ? target.domains : [domain],
    url: target.output('WebhookUrl'),
    types: target.output('WebhookEventTypes').split(','),
  };
}

/** A difference as both commands tell it. */
export function driftOf(domain: string, { kind, type, level, url }: Drift): [DriftLine, string] {
  const line: DriftLine = { event: 'drift', domain, kind, type, level: level ?? null, url: url ?? null };
  const where = [level && `at the ${level}`, url ?? (level && "this stack's URL")].filter(Boolean).join(': ');
  return [line, [domain, kind.padEnd(8), type.padEnd(14), where].join('  ').trimEnd()];
}
