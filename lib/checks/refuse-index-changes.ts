/** The part of a CloudFormation template that is needed here. */
interface TemplateOfTables {
  readonly Resources?: Readonly<Record<string, { readonly Type: string; readonly Properties?: TableProperties }>>;
}

interface TableProperties {
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexName: string }[];
}

/**
 * Returns what a deploy from one template to the next does to indexes: `+ byDay` or `- byDay` for each. One that is defined
 * otherwise is removed and added. A table that only one of the templates has comes or goes with all of its indexes.
 */
export function indexChanges(before: TemplateOfTables, after: TemplateOfTables): string[] {
  return Object.entries(after.Resources ?? {}).flatMap(([id, { Properties }]) => {
    const deployed = before.Resources?.[id];
    if (deployed === undefined) return [];
    const [old, now] = [indexesOf(deployed.Properties), indexesOf(Properties)];
    const gone = [...old].filter(([definition]) => !now.has(definition)).map(([, name]) => `- ${name}`);
    const come = [...now].filter(([definition]) => !old.has(definition)).map(([, name]) => `+ ${name}`);
    return [...gone, ...come];
  });
}

/** Returns why these changes are refused: CloudFormation makes one of them in an update, and fails in the middle of more. */
export const refuseIndexChanges = (changes: readonly string[]): string[] =>
  changes.length <= 1 ? [] : ['A deploy can change one index: deploy the previous commit first.'];

/** Names by definition. */
const indexesOf = ({ GlobalSecondaryIndexes = [] }: TableProperties = {}) =>
  new Map(GlobalSecondaryIndexes.map((index) => [JSON.stringify(index), index.IndexName]));
