/** The load balancers that a group's hosts leave and come back to. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import { balancerNames, controlsTraffic, type KnownBalancers, type SettingsOfGroup } from '../../engine/settings.ts';
import type { Input } from '../context.ts';
import { quote, readList, readObject, readText, requireBatch, requireObject } from '../input.ts';
import { isEmpty } from '../not-done.ts';

const INVALID = 'InvalidLoadBalancerInfoException';
const LISTS = ['elbInfoList', 'targetGroupInfoList'];
/** As many as a group may have in the hosted service. */
const MAX_BALANCERS = 10;

/**
 * @throws ApiError InvalidLoadBalancerInfoException; InvalidTargetGroupPairException: pairs are for ECS
 */
export function checkLoadBalancers(input: Input, known: KnownBalancers): void {
  const info = readObject(input, 'loadBalancerInfo') ?? {};
  if (!isEmpty(readList(info, 'targetGroupPairInfoList'))) {
    throw new ApiError(
      'InvalidTargetGroupPairException',
      'loadBalancerInfo.targetGroupPairInfoList is for ECS. Hosts take elbInfoList or targetGroupInfoList.',
    );
  }
  for (const member of LISTS) {
    const path = `loadBalancerInfo.${member}`;
    const list = readList(info, member) ?? [];
    requireBatch(list, path, MAX_BALANCERS, INVALID);
    for (const [index, entry] of list.entries()) {
      const name = readText(requireObject(entry, path), 'name') ?? '';
      if (name !== '' && known.has(name)) continue;
      const names = known.size === 0 ? 'it knows none' : `it knows ${[...known].join(', ')}`;
      throw new ApiError(
        INVALID,
        `${path}[${index}].name ${quote(name)} is no load balancer of this server: ${names}. ` +
          'The file behind slipway server --load-balancers says what each name stands for; with --aws-region AWS does.',
      );
    }
  }
}

/**
 * @param settings as they are after a request, or of a group that is deployed to
 * @throws ApiError InvalidLoadBalancerInfoException for traffic control without a balancer, or with one that the server does not know any more
 */
export function checkTrafficControl(settings: SettingsOfGroup, known: KnownBalancers): void {
  if (!controlsTraffic(settings)) return;
  const names = balancerNames(settings.loadBalancerInfo);
  const missing = names.find((name) => !known.has(name));
  if (names.length > 0 && missing === undefined) return;
  throw new ApiError(
    INVALID,
    missing === undefined
      ? 'deploymentStyle.deploymentOption WITH_TRAFFIC_CONTROL needs a load balancer: name one in loadBalancerInfo, or use WITHOUT_TRAFFIC_CONTROL.'
      : `The load balancer ${quote(missing)} of the deployment group is none of this server any more. Name it in the file behind slipway server --load-balancers, or take it out of the group.`,
  );
}
