import type { Random } from '../random.ts';

/** Mailgun's names of bots that open and click before a person does. */
export type Bot = 'apple' | 'gmail' | 'generic';

const USER_AGENTS = {
  apple: 'Mozilla/5.0',
  gmail: 'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)',
  generic: 'ExampleLinkScanner/2.4',
} as const;

/** Returns who opened or clicked: address, location and client, as far as Mailgun knows. */
export function mailClient(random: Random, bot?: Bot) {
  const address = { ip: `203.0.113.${1 + random.below(250)}` };
  if (bot) {
    return {
      ...address,
      geolocation: { city: 'Unknown', country: 'US', region: 'Unknown' },
      'client-info': {
        'client-name': 'unknown',
        'client-os': 'unknown',
        'client-type': 'robot',
        'device-type': 'unknown',
        'user-agent': USER_AGENTS[bot],
        bot,
      },
    };
  }
  return {
    ...address,
    geolocation: { city: 'Bern', country: 'CH', region: 'BE', timezone: 'Europe/Zurich' },
    'client-info': {
      'client-name': 'Firefox',
      'client-os': 'Linux',
      'client-type': 'browser',
      'device-type': 'desktop',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      // For a person, the name was seen empty, null and absent.
      ...random.pick<object>([{ bot: '' }, { bot: null }, {}]),
    },
  };
}
