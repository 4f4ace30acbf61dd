import { keyFingerprint } from '../../../lambdas/domain/webhooks/signature.ts';
import {
  openMailgunToWrite,
  readMailgunKey,
  readSigningKeys,
  refuseParentKey,
  replaceMailgunKey,
  UnfinishedRotationError,
  WRITE_KEY_OPTION,
  type WriteKeyOptions,
  withCurrent,
  writeSigningKeys,
} from '../../access.ts';
import { type CliContext, confirm, ledgerCommand, openTarget, type Run, type TargetOptions } from '../../command.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { createEmit } from '../../output.ts';
import { readEnvironments } from '../../target/environments.ts';
import type { Deployment, TargetRef } from '../../target/types.ts';

/** The lines of `keys rotate --json`. */
export type KeysRotateLine =
  | { event: 'environment'; name: string; shares: 'yes' | 'no' | 'unknown'; why: string | null; command: string }
  /** Number of other environments that have, or may have, the same key. */
  | { event: 'planned'; others: number }
  /** `replaced`: false if Mailgun had another key than this stack before, which is set here now. */
  | { event: 'rotated'; fingerprint: string; previous: string | null; replaced: boolean };

interface RotateOptions extends TargetOptions, WriteKeyOptions {
  readonly yes?: boolean;
  readonly plan?: boolean;
}

const ROTATE_EXAMPLES = `
Once the key is replaced, Mailgun signs new webhooks with the new key only. Retries of earlier webhooks may carry the
old signature, so the old key stays as previous. Between Mailgun's change and ours, webhooks get 401: Mailgun retries
them, except delivered ones, which reconciliation brings. The order is:
  1. this command, which replaces the key at Mailgun and sets it here, one right after the other
  2. keys set --from-mailgun for every other environment of the same Mailgun account, at once
  3. keys status, until previous has verified nothing for 8 hours
  4. never while an incident is open, unless the key itself is the incident; then, at once and in each environment,
     keys set --from-mailgun --alone, since until then previous verifies what is signed with the old key

If Mailgun already signs with another key than the current one here, as after a run that was cut, that key is set here,
and none is replaced.

Examples:
  npm run ledger -- keys rotate --env prod --plan
  npm run ledger -- keys rotate --env prod`;

export const rotateCommand = (context: CliContext, run: Run) =>
  ledgerCommand('rotate', 'replace the signing key at Mailgun and here')
    .option('--plan', 'only show which environments it affects')
    .option(...WRITE_KEY_OPTION)
    .option('--yes', 'do not ask')
    .addHelpText('after', ROTATE_EXAMPLES)
    .action(run<RotateOptions>((options) => rotate(context, options)));

async function rotate(context: CliContext, options: RotateOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<KeysRotateLine>(context, options.json);
  const { keys: before } = await readSigningKeys(deployment);
  const others = await findSharing(before.current, otherEnvironments(deployment.ref), context.openDeployment);
  for (const sharing of others) {
    const command = `npm run ledger -- keys set --env ${sharing.name} --from-mailgun`;
    emit({ event: 'environment', ...sharing, command }, sharingText(sharing, command));
  }
  const concerned = others.filter(({ shares }) => shares !== 'no').length;
  emit(
    { event: 'planned', others: concerned },
    ...(concerned === 0 ? ['No other environment is concerned.'] : []),
    ...(options.plan
      ? [
          'Plan: nothing was changed; without --plan the signing key is replaced at Mailgun and here, or, where Mailgun signs with another than the current key, that one is set here.',
        ]
      : []),
  );
  if (options.plan) return 0;

  const callMailgun = await openMailgunToWrite(context, deployment, options);
  const atMailgun = await readMailgunKey(callMailgun, deployment);
  refuseParentKey(atMailgun, before, "give an API key of the domain's own account by --write-key");
  // Else a rotation was not finished: another key would drop the one that Mailgun's retries are signed with.
  const replaced = atMailgun === before.current;
  const print = keyFingerprint(atMailgun);
  await confirm(
    context,
    options.yes,
    replaced
      ? `Replace the signing key ${print} at Mailgun? The old one stops signing at once.`
      : `Mailgun signs with ${print}, which is not the current key here. Set it here, and replace nothing at Mailgun?`,
  );
  const key = replaced ? await replaceMailgunKey(callMailgun, deployment, atMailgun) : atMailgun;
  const next = withCurrent(before, key) ?? before;
  await writeSigningKeys(deployment, next).catch((cause) => {
    throw new UnfinishedRotationError(deployment, cause);
  });
  const previous = next.previous === undefined ? null : keyFingerprint(next.previous);
  emit(
    { event: 'rotated', fingerprint: keyFingerprint(key), previous, replaced },
    `The signing key is ${keyFingerprint(key)} now, at Mailgun and here; ${previous ?? 'none'} is previous.`,
    ...(replaced ? [] : ['Mailgun had it before, so an earlier rotation is finished; for a new key, run this again.']),
    ...(concerned > 0 ? ['Now set it in the other environments named above.'] : []),
    MAY_STILL_RING,
  );
  return 0;
}

/** Reconcile judges a time half an hour later, and once more a day later. */
export const MAY_STILL_RING =
  'The alarms lost-webhooks and silence may still ring for webhooks that were refused before; reconcile brings those.';

/** Returns the other environments; none for the local stack. */
function otherEnvironments(ref: TargetRef): string[] {
  if (ref.kind !== 'aws') return [];
  return Object.keys(readEnvironments()).filter((name) => name !== ref.environment);
}

function sharingText({ name, shares, why }: Sharing, command: string): string {
  if (shares === 'yes') return `${name}: has the same key. Right after this one, run: ${command}`;
  if (shares === 'no') return `${name}: has another key, and is not concerned.`;
  return `${name}: not known (${why}). If it belongs to the same Mailgun account, run: ${command}`;
}

/** True if another environment verifies with the same key, and so needs the new one. */
interface Sharing {
  readonly name: string;
  readonly shares: 'yes' | 'no' | 'unknown';
  /** Why it is not known. */
  readonly why: string | null;
}

/**
 * Returns the environments that share the signing key. cdk.json does not say which Mailgun account an environment
 * belongs to, but an account has one signing key, so comparing the keys shows it, if they can be read.
 */
async function findSharing(
  current: string | undefined,
  names: readonly string[],
  openDeployment: (ref: TargetRef) => Promise<Deployment>,
): Promise<Sharing[]> {
  return Promise.all(
    names.map(async (name): Promise<Sharing> => {
      try {
        const { keys } = await readSigningKeys(await openDeployment({ kind: 'aws', environment: name }));
        const isSame = current !== undefined && [keys.current, keys.parent].includes(current);
        return { name, shares: isSame ? 'yes' : 'no', why: null };
      } catch (error) {
        if (!(error instanceof TargetUnavailableError)) throw error;
        return { name, shares: 'unknown', why: error.message };
      }
    }),
  );
}
