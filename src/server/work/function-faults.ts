/** Meaning of Lambda's faults for a deployment. Pure. */
import type { AwsFault } from '../outside/aws/aws-fault.ts';

/** @returns a code of the API's ErrorInformation */
export function functionFaultCode({ trouble }: Pick<AwsFault, 'trouble'>): string {
  switch (trouble) {
    case 'missing':
      return 'INVALID_LAMBDA_FUNCTION';
    case 'denied':
      return 'IAM_ROLE_PERMISSIONS';
    case 'throttled':
      return 'THROTTLED';
    case 'limit':
      return 'RESOURCE_LIMIT_EXCEEDED';
    case 'refused':
      return 'INVALID_LAMBDA_CONFIGURATION';
    default:
      return 'INTERNAL_ERROR';
  }
}
