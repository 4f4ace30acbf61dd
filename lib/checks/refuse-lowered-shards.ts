/** The part of a CloudFormation template that is needed here. */
interface TemplateWithShards {
  readonly Outputs?: { readonly DayShards?: { readonly Value: string } };
}

const ADVICE = 'The number of shards only rises: take back the change of `shards` in cdk.json.';

type Shards = readonly { readonly from: string; readonly count: number }[];

/**
 * Returns a sentence for each day from which a deploy would lower the number of shards of the day index: events in the
 * removed shards would not be found. The last one says what to do.
 */
export function refuseLoweredShards(before: TemplateWithShards, after: TemplateWithShards): string[] {
  const [old, now] = [shardsOf(before), shardsOf(after)];
  const days = [...new Set([...old, ...now].map(({ from }) => from))].sort();
  const lowered = days.flatMap((day) => {
    const [deployed, next] = [countOn(old, day), countOn(now, day)];
    return next < deployed ? [`shards from ${day} on: ${next}, deployed are ${deployed}`] : [];
  });
  return lowered.length === 0 ? [] : [...lowered, ADVICE];
}

const shardsOf = ({ Outputs = {} }: TemplateWithShards): Shards => JSON.parse(Outputs.DayShards?.Value ?? '[]');
const countOn = (shards: Shards, day: string) => shards.findLast(({ from }) => from <= day)?.count ?? 1;
