/** Hosts of a group: by tags, by Auto Scaling groups, and what outdated ones get. */
import Checkbox from '@cloudscape-design/components/checkbox';
import { Field, SectionFault } from '../../form/field.tsx';
import { Choose } from '../../form/inputs.tsx';
import { Filters } from './filters.tsx';
import { Many, NamesGroup, Section, type SectionProps } from './section.tsx';
import { OUTDATED, PROCESSES } from './words.ts';

export function Hosts({ settings, known, change }: SectionProps) {
  return (
    <Section title="Hosts">
      <Filters
        label="Tags of hosts"
        description="A host belongs to the group when it has one of these tags. With more lists it needs a tag of each."
        paths={{ flat: 'onPremisesInstanceTagFilters', set: 'onPremisesTagSet.onPremisesTagSetList' }}
        lists={settings.hostTags}
        onChange={(hostTags) => change({ hostTags })}
      />
      {known.asksAws || settings.ec2Tags.length > 0 ? (
        <Filters
          label="Tags of EC2 instances"
          description={
            known.asksAws
              ? 'AWS says which instances have them.'
              : 'The server asks no AWS: enrolled hosts match them, too.'
          }
          paths={{ flat: 'ec2TagFilters', set: 'ec2TagSet.ec2TagSetList' }}
          lists={settings.ec2Tags}
          onChange={(ec2Tags) => change({ ec2Tags })}
        />
      ) : null}
      {known.asksAws || settings.scalingGroups.length + settings.resting.length > 0 ? (
        <NamesGroup
          label="Auto Scaling groups"
          one="an Auto Scaling group"
          none="No Auto Scaling groups"
          path="autoScalingGroups"
          member=""
          names={settings.scalingGroups}
          onChange={(scalingGroups) => change({ scalingGroups })}
          above={<SectionFault path="terminationHookEnabled" />}
        >
          <Checkbox
            checked={settings.terminationHook}
            onChange={({ detail }) => change({ terminationHook: detail.checked })}
          >
            Stop the application on instances that are terminated
          </Checkbox>
          <Field label="Processes that rest while a deployment in place runs" paths={['ec2DeploymentOptions']}>
            <Many
              label="Processes that rest while a deployment in place runs"
              placeholder="None"
              values={settings.resting}
              choices={PROCESSES}
              onChange={(resting) => change({ resting })}
            />
          </Field>
        </NamesGroup>
      ) : null}
      <Field label="Hosts that do not have the last good revision" paths={['outdatedInstancesStrategy']}>
        <Choose
          label="Hosts that do not have the last good revision"
          value={settings.outdated}
          choices={OUTDATED}
          onChange={(outdated) => change({ outdated })}
        />
      </Field>
    </Section>
  );
}
