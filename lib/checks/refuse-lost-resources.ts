/** The part of a CloudFormation template that is needed here. */
interface TemplateWithOutputs {
  readonly Resources?: Readonly<Record<string, { readonly Properties?: Readonly<Record<string, unknown>> }>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

interface Kept {
  /** The output that refers to the resource; it is none where the configuration has no such resource. */
  readonly output: string;
  /** Properties that CloudFormation changes by replacing the resource. */
  readonly replacedBy: readonly string[];
  readonly because: string;
}

/** Resources that a stack, once it has them, must not lose or replace by an accident of its configuration. */
const KEPT: readonly Kept[] = [
  {
    output: 'ArchiveBucketName',
    replacedBy: ['ObjectLockEnabled', 'BucketName'],
    because:
      'the archive would stay behind in a bucket that no command reads, and seal could not continue it in another: keep `seal.enabled`, and `seal.lockDays` set or unset, as deployed',
  },
  {
    output: 'CertificateKeyArn',
    replacedBy: ['KeySpec', 'KeyUsage'],
    because: 'later certificates would have another fingerprint: keep `seal.sign` as deployed',
  },
  {
    output: 'CustomerKeyArn',
    replacedBy: ['KeySpec', 'KeyUsage'],
    because:
      'no function could read any more what is under the key, in queues, stream and archive: keep `customerKey` as deployed',
  },
];

const ADVICE = 'To give it up on purpose, deploy by hand, without this check.';

/**
 * Returns a sentence for each resource with data that a deploy would leave behind or replace by an empty one, and at
 * last what to do.
 */
export function refuseLostResources(before: TemplateWithOutputs, after: TemplateWithOutputs): string[] {
  const lost = KEPT.flatMap(({ output, replacedBy, because }) => {
    const [old, now] = [resourceOf(before, output), resourceOf(after, output)];
    if (old === undefined) return [];
    if (now?.id !== old.id) return [`${output}: ${old.id} would leave the stack; ${because}`];
    const changed = replacedBy.filter(
      (name) => JSON.stringify(old.properties[name]) !== JSON.stringify(now.properties[name]),
    );
    return changed.length === 0 ? [] : [`${output}: ${old.id} would be replaced (${changed.join(', ')}); ${because}`];
  });
  return lost.length === 0 ? [] : [...lost, ADVICE];
}

function resourceOf({ Resources = {}, Outputs = {} }: TemplateWithOutputs, output: string) {
  const id = idOf(Outputs[output]?.Value);
  return id === undefined ? undefined : { id, properties: Resources[id]?.Properties ?? {} };
}

/** Returns the logical id that a reference names. */
function idOf(value: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (value ?? {}) as { Ref?: string; 'Fn::GetAtt'?: readonly string[] };
  return Ref ?? attribute?.[0];
}
