/** How a group's hosts are deployed to, and their load balancers. */
import { Field, SectionFault } from '../../form/field.tsx';
import { Choose } from '../../form/inputs.tsx';
import { NamesGroup, Section, type SectionProps } from './section.tsx';
import { OPTIONS, TYPES } from './words.ts';

export function Way({ settings, known, change }: SectionProps) {
  const isBlueGreen = settings.type === 'BLUE_GREEN';
  return (
    <Section title="Deployments">
      <Field label="Deployment type" paths={['deploymentStyle.deploymentType', 'deploymentStyle']}>
        <Choose
          label="Deployment type"
          value={settings.type}
          choices={TYPES}
          onChange={(type) => change({ type, ...(type === 'BLUE_GREEN' && { option: 'WITH_TRAFFIC_CONTROL' }) })}
        />
      </Field>
      {isBlueGreen ? null : (
        <Field label="Traffic" paths={['deploymentStyle.deploymentOption']}>
          <Choose label="Traffic" value={settings.option} choices={OPTIONS} onChange={(option) => change({ option })} />
        </Field>
      )}
      {settings.option === 'WITH_TRAFFIC_CONTROL' || settings.targetGroups.length > 0 ? (
        <NamesGroup
          label="Load balancers"
          description="Hosts leave them before an installation, and come back afterwards."
          one="a load balancer"
          none="No load balancers"
          path="loadBalancerInfo.targetGroupInfoList"
          member="name"
          names={settings.targetGroups}
          known={known.balancers}
          onChange={(targetGroups) => change({ targetGroups })}
          above={<SectionFault path="loadBalancerInfo" />}
        />
      ) : null}
      {settings.classicBalancers.length > 0 || (known.asksAws && settings.option === 'WITH_TRAFFIC_CONTROL') ? (
        <NamesGroup
          label="Classic load balancers"
          one="a classic load balancer"
          none="No classic load balancers"
          path="loadBalancerInfo.elbInfoList"
          member="name"
          names={settings.classicBalancers}
          known={known.balancers}
          onChange={(classicBalancers) => change({ classicBalancers })}
        />
      ) : null}
    </Section>
  );
}
