import type { CampaignResponse } from '../../../api/responses/campaign.ts';
import { ledgerCommand } from '../../components/command.ts';
import { commandOn } from '../../components/parts.ts';
import { utcDay } from '../../values/time.ts';

/** Returns the command that lists every failed recipient of a report, of the same time as the report. */
export function reportCommand({ tag, domain, from, to }: CampaignResponse, target: string | undefined): HTMLElement {
  const words = `report --domain ${domain} --from ${utcDay(from)} --to ${utcDay(to)} --csv`;
  return commandOn(tag, ledgerCommand(target, words, tag));
}
