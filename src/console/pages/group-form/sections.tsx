/** The parts of the form of a group: each shows some settings and reports others. */
import Alert from '@cloudscape-design/components/alert';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Multiselect from '@cloudscape-design/components/multiselect';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import type { ReactNode } from 'react';
import { Field, FieldGroup, SectionFault } from '../../form/field.tsx';
import { Choose, Names, Text, WholeNumber } from '../../form/inputs.tsx';
import { type RowColumn, Rows } from '../../form/rows.tsx';
import type { Platform } from '../../view/platforms.ts';
import { Filters } from './filters.tsx';
import type { GroupSettings, Trigger } from './group-settings.ts';
import type { Known } from './known.ts';
import {
  FLEETS,
  OPTIONS,
  OUTDATED,
  PROCESSES,
  READY,
  ROLLBACK_EVENTS,
  TERMINATE,
  TRIGGER_CHOICES,
  TYPES,
} from './words.ts';

export interface SectionProps {
  readonly settings: GroupSettings;
  readonly platform: Platform;
  readonly known: Known;
  readonly change: (part: Partial<GroupSettings>) => void;
}

export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Container header={<Header variant="h2">{title}</Header>}>
      <SpaceBetween size="l">{children}</SpaceBetween>
    </Container>
  );
}

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
        <FieldGroup label="Auto Scaling groups">
          <SpaceBetween size="s">
            <SectionFault path="terminationHookEnabled" />
            <Names
              name="Auto Scaling groups"
              path="autoScalingGroups"
              member=""
              names={settings.scalingGroups}
              addText="Add an Auto Scaling group"
              empty="No Auto Scaling groups"
              onChange={(scalingGroups) => change({ scalingGroups })}
            />
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
          </SpaceBetween>
        </FieldGroup>
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
      <FieldGroup label="Target groups" description="Two, which take turns.">
        <Names
          name="Target groups"
          path={`${pairs}[0].targetGroups`}
          member="name"
          names={settings.pairs}
          addText="Add a target group"
          empty="No target groups"
          onChange={(names) => change({ pairs: names })}
        />
      </FieldGroup>
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
        <FieldGroup
          label="Load balancers"
          description="Hosts leave them before an installation, and come back afterwards."
        >
          <SpaceBetween size="s">
            <SectionFault path="loadBalancerInfo" />
            <Names
              name="Load balancers"
              path="loadBalancerInfo.targetGroupInfoList"
              member="name"
              names={settings.targetGroups}
              known={known.balancers}
              addText="Add a load balancer"
              empty="No load balancers"
              onChange={(targetGroups) => change({ targetGroups })}
            />
          </SpaceBetween>
        </FieldGroup>
      ) : null}
      {settings.classicBalancers.length > 0 || (known.asksAws && settings.option === 'WITH_TRAFFIC_CONTROL') ? (
        <FieldGroup label="Classic load balancers">
          <Names
            name="Classic load balancers"
            path="loadBalancerInfo.elbInfoList"
            member="name"
            names={settings.classicBalancers}
            known={known.balancers}
            addText="Add a classic load balancer"
            empty="No classic load balancers"
            onChange={(classicBalancers) => change({ classicBalancers })}
          />
        </FieldGroup>
      ) : null}
    </Section>
  );
}

/** Waits and endings of blue/green deployments: of hosts, and of services of ECS. */
export function BlueGreen({ settings, platform, change }: SectionProps) {
  const root = 'blueGreenDeploymentConfiguration';
  return (
    <Section title="Blue/green">
      <SectionFault path={root} />
      {platform === 'Server' ? (
        <Field label="Replacement hosts" paths={[`${root}.greenFleetProvisioningOption`]}>
          <Choose
            label="Replacement hosts"
            value={settings.fleet}
            choices={FLEETS}
            onChange={(fleet) => change({ fleet })}
          />
        </Field>
      ) : null}
      <Field label="When the replacement is ready" paths={[`${root}.deploymentReadyOption.actionOnTimeout`]}>
        <Choose
          label="When the replacement is ready"
          value={settings.ready}
          choices={READY}
          onChange={(ready) => change({ ready, ...(ready !== 'STOP_DEPLOYMENT' && { readyMinutes: '' }) })}
        />
      </Field>
      {settings.ready === 'STOP_DEPLOYMENT' ? (
        <Field
          label="Minutes to wait for somebody who continues"
          paths={[`${root}.deploymentReadyOption.waitTimeInMinutes`]}
        >
          <WholeNumber
            label="Minutes to wait for somebody who continues"
            value={settings.readyMinutes}
            onChange={(readyMinutes) => change({ readyMinutes })}
          />
        </Field>
      ) : null}
      <Field label="Original hosts, afterwards" paths={[`${root}.terminateBlueInstancesOnDeploymentSuccess.action`]}>
        <Choose
          label="Original hosts, afterwards"
          value={settings.terminate}
          choices={TERMINATE}
          onChange={(terminate) => change({ terminate, ...(terminate !== 'TERMINATE' && { terminateMinutes: '' }) })}
        />
      </Field>
      {settings.terminate === 'TERMINATE' ? (
        <Field
          label="Minutes before they are terminated"
          paths={[`${root}.terminateBlueInstancesOnDeploymentSuccess.terminationWaitTimeInMinutes`]}
        >
          <WholeNumber
            label="Minutes before they are terminated"
            value={settings.terminateMinutes}
            onChange={(terminateMinutes) => change({ terminateMinutes })}
          />
        </Field>
      ) : null}
    </Section>
  );
}

export function Alarms({ settings, known, change }: SectionProps) {
  return (
    <Section title="Alarms and rollback">
      <FieldGroup label="Alarms" description="A deployment stops when one of them goes off.">
        <SpaceBetween size="s">
          <SectionFault path="alarmConfiguration" />
          <Toggle checked={settings.watchesAlarms} onChange={({ detail }) => change({ watchesAlarms: detail.checked })}>
            Watch alarms
          </Toggle>
          <Names
            name="Alarms"
            path="alarmConfiguration.alarms"
            member="name"
            names={settings.alarms}
            known={known.alarms}
            addText="Add an alarm"
            empty="No alarms"
            onChange={(alarms) => change({ alarms })}
          />
          <Checkbox
            checked={settings.ignoresUnread}
            onChange={({ detail }) => change({ ignoresUnread: detail.checked })}
          >
            Go on when an alarm cannot be read
          </Checkbox>
        </SpaceBetween>
      </FieldGroup>
      <FieldGroup label="Automatic rollback">
        <SpaceBetween size="s">
          <Toggle checked={settings.rollsBack} onChange={({ detail }) => change({ rollsBack: detail.checked })}>
            Roll back by itself
          </Toggle>
          <Field label="Roll back after" paths={['autoRollbackConfiguration']}>
            <Many
              label="Roll back after"
              placeholder="Choose events"
              values={settings.rollbackEvents}
              choices={ROLLBACK_EVENTS}
              onChange={(rollbackEvents) => change({ rollbackEvents })}
            />
          </Field>
        </SpaceBetween>
      </FieldGroup>
    </Section>
  );
}

/** The limit of the API. */
const MOST_TRIGGERS = 10;

export function Triggers({ settings, known, change }: SectionProps) {
  const columns: readonly RowColumn<Trigger>[] = [
    {
      label: 'Name',
      member: 'triggerName',
      control: (row, set, label) => <Text label={label} value={row.name} onChange={(name) => set({ ...row, name })} />,
    },
    {
      label: 'Told',
      member: 'triggerTargetArn',
      control: (row, set, label) => (
        <Text
          label={label}
          value={row.target}
          known={known.noticeTargets}
          onChange={(target) => set({ ...row, target })}
        />
      ),
    },
    {
      label: 'Of what',
      member: 'triggerEvents',
      control: (row, set, label) => (
        <Many
          label={label}
          placeholder="Choose events"
          values={row.events}
          choices={TRIGGER_CHOICES}
          onChange={(events) => set({ ...row, events })}
        />
      ),
    },
  ];
  return (
    <Section title="Triggers">
      <FieldGroup label="Notices" description="Webhooks and topics of SNS that are told what happens.">
        <Rows<Trigger>
          name="Triggers"
          path="triggerConfigurations"
          rows={settings.triggers}
          columns={columns}
          fresh={{ name: '', target: '', events: [] }}
          addText="Add a trigger"
          empty="No triggers"
          most={MOST_TRIGGERS}
          onChange={(triggers) => change({ triggers })}
        />
      </FieldGroup>
    </Section>
  );
}

interface ManyProps {
  readonly label: string;
  readonly placeholder: string;
  readonly values: readonly string[];
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (values: readonly string[]) => void;
}

function Many({ label, placeholder, values, choices, onChange }: ManyProps) {
  return (
    <Multiselect
      ariaLabel={label}
      placeholder={placeholder}
      selectedOptions={values.map((value) => choices.find((one) => one.value === value) ?? { value, label: value })}
      options={choices.map((one) => ({ ...one }))}
      expandToViewport
      deselectAriaLabel={(option) => `Remove ${option.label}`}
      onChange={({ detail }) => onChange(detail.selectedOptions.flatMap(({ value }) => value ?? []))}
    />
  );
}
