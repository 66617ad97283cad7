/** Meaning of faults of ECS and of its load balancers for a deployment. Pure. */
import type { AwsFault } from '../outside/aws/aws-fault.ts';

const OF_SERVICE: readonly string[] = [
  'ServiceNotFoundException',
  'ServiceNotActiveException',
  'ClusterNotFoundException',
];
const OF_BALANCERS = /^(Describe|Modify)(TargetGroups|TargetHealth|Listeners?|Rules?)\b/;
/** Refusals that are over when something else has come to its end. */
const PASSING = /InProgress|InUse|Conflict|Blocked/;

/** @returns a code of the API's ErrorInformation */
export function serviceFaultCode({ trouble, awsCode, call }: Pick<AwsFault, 'trouble' | 'awsCode' | 'call'>): string {
  switch (trouble) {
    case 'denied':
      return 'IAM_ROLE_PERMISSIONS';
    case 'throttled':
      return 'THROTTLED';
    case 'limit':
      return 'RESOURCE_LIMIT_EXCEEDED';
    case 'away':
    case 'nowhere':
      return 'INTERNAL_ERROR';
    default:
      if (OF_BALANCERS.test(call)) return 'ELASTIC_LOAD_BALANCING_INVALID';
      return OF_SERVICE.includes(awsCode) ? 'INVALID_ECS_SERVICE' : 'ECS_UPDATE_ERROR';
  }
}

/** Whether the same call may be taken later, although it was refused. */
export function isPassing({ trouble, awsCode }: Pick<AwsFault, 'trouble' | 'awsCode'>): boolean {
  return trouble === 'refused' && PASSING.test(awsCode);
}
