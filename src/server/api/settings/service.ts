/** The ECS service that a deployment goes to, as its group names it. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { Schedule } from '../../engine/shifting/schedule.ts';
import { type ServicePlan, servicePlanOf } from '../../engine/shifting/service-plan.ts';
import type { GroupSettings } from './group-settings.ts';

/** @throws ApiError InvalidTrafficRoutingConfigurationException for a part of a Network Load Balancer's traffic */
export function serviceOf(settings: GroupSettings, { steps }: Schedule): ServicePlan {
  const plan = servicePlanOf(settings);
  if (plan === null) {
    throw new ApiError(
      'InvalidLoadBalancerInfoException',
      'The deployment group has no service, or no pair of target groups.',
    );
  }
  if (steps.length === 1 || !plan.productionListener.includes(':listener/net/')) return plan;
  throw new ApiError(
    'InvalidTrafficRoutingConfigurationException',
    'The listener of production is one of a Network Load Balancer, which forwards to one target group at a time. ' +
      'Use CodeDeployDefault.ECSAllAtOnce.',
  );
}
