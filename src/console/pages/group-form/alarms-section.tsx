/** What stops a deployment, and what rolls it back. */
import Checkbox from '@cloudscape-design/components/checkbox';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import { Field, FieldGroup, SectionFault } from '../../form/field.tsx';
import { Many, NamesGroup, Section, type SectionProps } from './section.tsx';
import { ROLLBACK_EVENTS } from './words.ts';

export function Alarms({ settings, known, change }: SectionProps) {
  return (
    <Section title="Alarms and rollback">
      <NamesGroup
        label="Alarms"
        description="A deployment stops when one of them goes off."
        one="an alarm"
        none="No alarms"
        path="alarmConfiguration.alarms"
        member="name"
        names={settings.alarms}
        known={known.alarms}
        onChange={(alarms) => change({ alarms })}
        above={
          <>
            <SectionFault path="alarmConfiguration" />
            <Toggle
              checked={settings.watchesAlarms}
              onChange={({ detail }) => change({ watchesAlarms: detail.checked })}
            >
              Watch alarms
            </Toggle>
          </>
        }
      >
        <Checkbox checked={settings.ignoresUnread} onChange={({ detail }) => change({ ignoresUnread: detail.checked })}>
          Go on when an alarm cannot be read
        </Checkbox>
      </NamesGroup>
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
