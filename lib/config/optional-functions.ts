import type { Config } from './config.ts';

type Choice = Pick<Config, 'publish' | 'receivers' | 'seal' | 'alarms'>;

/** The functions that not every ledger has, by their folders under lambdas/: returns whether this one has it. */
export const OPTIONAL_FUNCTIONS = {
  publish: ({ publish }: Choice) => publish.enabled,
  deliver: ({ receivers }: Choice) => receivers.length > 0,
  seal: ({ seal }: Choice) => seal.enabled,
  notify: ({ alarms }: Choice) => alarms.notify,
};
