/** Provisioned concurrency that must be there before all traffic goes to a version. */
import type { Functions, ProvisionedLook } from '../outside/aws/lambda.ts';

export interface ProvisionedAnswer {
  readonly is: 'ready' | 'waiting' | 'failed';
  /** The call that tells, and its answer. */
  readonly call: string;
  readonly answer: string;
}

/** Looks at the target version and at the alias: either may have provisioned concurrency, or none. @throws AwsFault */
export async function readProvisioned(
  functions: Pick<Functions, 'provisioned'>,
  about: { readonly functionName: string; readonly alias: string; readonly targetVersion: string },
  signal: AbortSignal,
): Promise<ProvisionedAnswer> {
  const { functionName, alias, targetVersion } = about;
  const looks: (ProvisionedLook & { readonly call: string })[] = [];
  for (const qualifier of [targetVersion, alias]) {
    const look = await functions.provisioned(functionName, qualifier, signal);
    looks.push({ ...look, call: `GetProvisionedConcurrencyConfig ${functionName}:${qualifier}` });
  }
  const failed = looks.find(({ state }) => state === 'failed');
  const waiting = looks.find(({ state }) => state === 'in-progress');
  const { call = '', answer = '' } = failed ?? waiting ?? looks.at(-1) ?? {};
  return { is: failed !== undefined ? 'failed' : waiting !== undefined ? 'waiting' : 'ready', call, answer };
}
