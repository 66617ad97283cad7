/** The ECS service of a group, and where its traffic comes from. */
import Alert from '@cloudscape-design/components/alert';
import { Field, SectionFault } from '../../form/field.tsx';
import { Text } from '../../form/inputs.tsx';
import { NamesGroup, Section, type SectionProps } from './section.tsx';

/** @param hidden what the group has and the form does not show */
export function Service({ settings, change, hidden }: SectionProps & { readonly hidden: readonly string[] }) {
  const pairs = 'loadBalancerInfo.targetGroupPairInfoList';
  return (
    <Section title="Service">
      {hidden.length === 0 ? null : (
        <Alert type="info">
          The group also has {hidden.join(', ')}. They are not shown here, and a save keeps them.
        </Alert>
      )}
      <SectionFault path="loadBalancerInfo" />
      <Field label="Cluster" paths={['ecsServices[0].clusterName']}>
        <Text label="Cluster" value={settings.cluster} onChange={(cluster) => change({ cluster })} />
      </Field>
      <Field label="Service" paths={['ecsServices']}>
        <Text label="Service" value={settings.service} onChange={(service) => change({ service })} />
      </Field>
      <NamesGroup
        label="Target groups"
        description="Two, which take turns."
        one="a target group"
        none="No target groups"
        path={`${pairs}[0].targetGroups`}
        member="name"
        names={settings.pairs}
        onChange={(names) => change({ pairs: names })}
      />
      <SectionFault path={pairs} />
      <Field label="ARN of the production listener" paths={[`${pairs}[0].prodTrafficRoute`]}>
        <Text
          label="Production listener"
          value={settings.prodListener}
          onChange={(prodListener) => change({ prodListener })}
        />
      </Field>
      <Field label="ARN of the test listener" description="Optional." paths={[`${pairs}[0].testTrafficRoute`]}>
        <Text
          label="Test listener"
          value={settings.testListener}
          onChange={(testListener) => change({ testListener })}
        />
      </Field>
    </Section>
  );
}
