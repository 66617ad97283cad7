/** One call to a load balancer in AWS, with what it means when it fails. */
import { SlipwayError } from '../../../errors.ts';
import { type BalancerErrorCode, BalancerFault } from '../load-balancer.ts';
import { awsFailureOf } from './aws-error.ts';

/**
 * @param call in words, as `DescribeTargetHealth front`
 * @throws BalancerFault; final where asking again cannot help: the balancer does not exist, or does not know the instance
 */
export async function callBalancer<Answer>(call: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof SlipwayError) {
      const answer = `${cause.message}. ${cause.remedy}`;
      throw new BalancerFault({ call, answer }, { cause, isFinal: true });
    }
    const { trouble, code, answer } = awsFailureOf(cause);
    const isFinal = trouble === 'missing' || trouble === 'limit' || trouble === 'refused';
    throw new BalancerFault({ call, answer }, { cause, isFinal, code: codeOf(trouble, code) });
  }
}

function codeOf(trouble: ReturnType<typeof awsFailureOf>['trouble'], code: string): BalancerErrorCode {
  if (trouble === 'denied') return 'IAM_ROLE_PERMISSIONS';
  if (trouble === 'throttled') return 'THROTTLED';
  if (trouble === 'limit') return 'RESOURCE_LIMIT_EXCEEDED';
  return /^Invalid(Target|Instance|EndPoint)/.test(code) ? 'ELB_INVALID_INSTANCE' : 'ELASTIC_LOAD_BALANCING_INVALID';
}
