import { refuseLostResources } from '../../../../lib/checks/refuse-lost-resources.ts';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

const templateOf = (overlay: object) => new Synthesized('prod', overlay).template.toJSON();
const seal = { enabled: true };
const before = {
  plain: templateOf({}),
  sealed: templateOf({ seal }),
  locked: templateOf({ seal: { ...seal, lockDays: 30 } }),
  encrypted: templateOf({ customerKey: true, seal }),
};

const ARCHIVE = /^ArchiveBucketName: SealBucket\w+ would/;
const CERTIFICATES = /^CertificateKeyArn: SealKey\w+ would leave the stack; .*`seal.sign`/;

test.each([
  ['a first archive and key', 'plain', { customerKey: true, seal }, []],
  [
    'a longer lock, versions kept, and colder events',
    'locked',
    { seal: { ...seal, lockDays: 90, coldAfterDays: 60 } },
    [],
  ],
  ['versions of archived objects', 'sealed', { seal: { ...seal, versioned: true } }, []],
  ['a customer key for an archive', 'sealed', { customerKey: true, seal }, []],
  [
    'a lock on a deployed archive',
    'sealed',
    { seal: { ...seal, lockDays: 30 } },
    [/replaced \(ObjectLockEnabled\).*`seal.lockDays`/],
  ],
  ['the lock taken away', 'locked', { seal }, [/^ArchiveBucketName: .* be replaced/]],
  ['sealing switched off', 'sealed', {}, [ARCHIVE, CERTIFICATES]],
  ['signing switched off', 'sealed', { seal: { ...seal, sign: false } }, [CERTIFICATES]],
  [
    'the customer key switched off',
    'encrypted',
    { seal },
    [/^CustomerKeyArn: CustomerKey\w+ would leave the stack; .*`customerKey`/],
  ],
] as const)('a deploy with %s', (_, deployed, overlay, sentences) => {
  const advice = sentences.length === 0 ? [] : [/^To give it up on purpose/];
  expect(refuseLostResources(before[deployed], templateOf(overlay))).toEqual(
    [...sentences, ...advice].map((sentence) => expect.stringMatching(sentence)),
  );
});

test('a stack that is not deployed yet loses nothing', () => {
  expect(refuseLostResources({}, before.encrypted)).toEqual([]);
});
