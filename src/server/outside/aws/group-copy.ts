/** A copy of an Auto Scaling group as Auto Scaling is asked for it. Pure. */
import type {
  AutoScalingGroup,
  CreateAutoScalingGroupCommandInput,
  LaunchTemplateSpecification,
  MixedInstancesPolicy,
} from '@aws-sdk/client-auto-scaling';

/** How many instances of a group serve. */
export function inServiceOf({ Instances = [] }: AutoScalingGroup): number {
  return Instances.filter(({ LifecycleState }) => LifecycleState === 'InService').length;
}

/**
 * The same settings and as many instances as the original has in service. Without load balancers: its instances would get traffic before they have
 * the revision.
 */
export function copyRequest(original: AutoScalingGroup, name: string): CreateAutoScalingGroupCommandInput {
  const {
    MinSize = 0,
    MaxSize = 0,
    LaunchTemplate,
    MixedInstancesPolicy,
    VPCZoneIdentifier,
    AvailabilityZones,
    LaunchConfigurationName,
  } = original;
  const DesiredCapacity = Math.min(MaxSize, Math.max(MinSize, inServiceOf(original)));
  const launched =
    MixedInstancesPolicy !== undefined
      ? { MixedInstancesPolicy: mixedPolicy(MixedInstancesPolicy) }
      : LaunchTemplate !== undefined
        ? { LaunchTemplate: templateById(LaunchTemplate) }
        : { LaunchConfigurationName };
  return withoutAbsent({
    ...{ AutoScalingGroupName: name, MinSize, MaxSize, DesiredCapacity, ...launched },
    ...(VPCZoneIdentifier ? { VPCZoneIdentifier } : { AvailabilityZones }),
    DefaultCooldown: original.DefaultCooldown,
    HealthCheckType: original.HealthCheckType,
    HealthCheckGracePeriod: original.HealthCheckGracePeriod,
    PlacementGroup: original.PlacementGroup,
    TerminationPolicies: original.TerminationPolicies,
    NewInstancesProtectedFromScaleIn: original.NewInstancesProtectedFromScaleIn,
    CapacityRebalance: original.CapacityRebalance,
    ServiceLinkedRoleARN: original.ServiceLinkedRoleARN,
    MaxInstanceLifetime: original.MaxInstanceLifetime,
    DesiredCapacityType: original.DesiredCapacityType,
    DefaultInstanceWarmup: original.DefaultInstanceWarmup,
    InstanceMaintenancePolicy: original.InstanceMaintenancePolicy,
    Context: original.Context,
    Tags: tagsOf(original, name),
  });
}

/** Tags of AWS' own are AWS' to give. */
function tagsOf({ Tags = [] }: AutoScalingGroup, name: string) {
  return Tags.flatMap(({ Key, Value, PropagateAtLaunch }) =>
    Key === undefined || Key.startsWith('aws:')
      ? []
      : [{ ResourceId: name, ResourceType: 'auto-scaling-group', Key, Value: Value ?? '', PropagateAtLaunch }],
  );
}

/** A description names a template twice; a request may do so once. */
function templateById(template: LaunchTemplateSpecification): LaunchTemplateSpecification {
  const { LaunchTemplateId, LaunchTemplateName, Version } = template;
  return withoutAbsent({ ...(LaunchTemplateId ? { LaunchTemplateId } : { LaunchTemplateName }), Version });
}

function mixedPolicy(policy: MixedInstancesPolicy): MixedInstancesPolicy {
  const { LaunchTemplate: template } = policy;
  if (template?.LaunchTemplateSpecification === undefined) return policy;
  const overrides = template.Overrides?.map((override) =>
    override.LaunchTemplateSpecification === undefined
      ? override
      : { ...override, LaunchTemplateSpecification: templateById(override.LaunchTemplateSpecification) },
  );
  return {
    ...policy,
    LaunchTemplate: {
      ...template,
      LaunchTemplateSpecification: templateById(template.LaunchTemplateSpecification),
      ...(overrides === undefined ? {} : { Overrides: overrides }),
    },
  };
}

function withoutAbsent<Request extends object>(request: Request): Request {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as Request;
}
