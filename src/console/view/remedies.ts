/** Remedies for a refusal, if the server's own words do not say them. Pure. */
import type { Refusal } from '../api/call.ts';

const REMEDIES: Readonly<Record<string, string>> = {
  AccessDeniedException: 'Sign in with a key that may do it, or ask an admin for one: slipway keys create.',
  ApplicationDoesNotExistException:
    'It may have been deleted or renamed. The list of applications has those that exist.',
  DeploymentDoesNotExistException: 'It may be older than the server keeps deployments (--keep-deployments).',
  DeploymentGroupDoesNotExistException:
    'It may have been deleted or renamed. Its application lists the groups that exist.',
  DeploymentLimitExceededException: 'Wait until the deployment that runs has ended, or stop it.',
  ThrottlingException: 'Wait for a moment, then load the page again.',
  ServiceUnavailable: 'The page goes on by itself once the server answers.',
  Unreachable:
    'Check that the server runs and that this machine reaches it. The page tries again by itself where it can.',
  InternalFailure: 'The log of the server has the cause under this request id.',
  ConsoleFault: 'Load the page again. If it happens again, please report it with the steps that led here.',
};

/** @returns null: the words of the server say enough */
export function remedyFor({ type }: Pick<Refusal, 'type'>): string | null {
  return REMEDIES[type] ?? null;
}
