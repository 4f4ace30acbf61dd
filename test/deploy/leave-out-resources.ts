import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

interface LeftOut {
  readonly type: string;
  /** Selects resources of the type. @default all of them */
  readonly only?: (resource: Resource) => boolean;
  readonly because: string;
}

/** Resources that the emulator cannot create; everything else is deployed as on AWS. */
const LEFT_OUT: readonly LeftOut[] = [
  {
    type: 'AWS::CloudWatch::Alarm',
    only: ({ Properties }) => Properties?.Metrics !== undefined,
    because: 'it knows alarms of one metric, and fails a stack that has one of an expression',
  },
  { type: 'AWS::CloudWatch::Dashboard', because: 'it shows the alarms that are left out' },
  {
    type: 'Custom::CDKBucketDeployment',
    because:
      'its function calls the program /opt/awscli/aws of a layer, and it lays layers elsewhere: no file is copied',
  },
];

/** Removes from a synthesized assembly what the emulator cannot create; returns a line for each. */
export async function leaveOut(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.template.json')) continue;
    const path = join(folder, file);
    const template = JSON.parse(await readFile(path, 'utf8')) as Template;
    const gone = new Set<string>();
    for (const { type, only = () => true, because } of LEFT_OUT) {
      const found = Object.entries(template.Resources).filter(([, each]) => each.Type === type && only(each));
      for (const [id] of found) {
        gone.add(id);
        delete template.Resources[id];
      }
      if (found.length > 0) lines.push(`left out: ${found.length} of ${type}: ${because}`);
    }
    // Whatever refers to them must be listed above too, not dropped silently.
    const rest = { ...template.Resources, ...template.Outputs };
    const orphan = Object.entries(rest).find(([, each]) => refersTo(each, gone));
    if (orphan) throw new Error(`${orphan[0]} refers to something left out`);
    await writeFile(path, JSON.stringify(template));
  }
  return lines;
}

/**
 * Returns true if a value refers to one of these ids by `Ref`, `Fn::GetAtt` or `DependsOn`; the template uses no
 * `Fn::Sub`.
 */
function refersTo(value: unknown, ids: ReadonlySet<string>): boolean {
  if (Array.isArray(value)) return value.some((each) => refersTo(each, ids));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => {
    const named = ['Ref', 'Fn::GetAtt', 'DependsOn'].includes(key) ? [inner].flat() : [];
    return named.some((id) => typeof id === 'string' && ids.has(id)) || refersTo(inner, ids);
  });
}
