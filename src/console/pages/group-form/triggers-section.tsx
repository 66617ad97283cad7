/** Who is told of what happens. */
import { FieldGroup } from '../../form/field.tsx';
import { Text } from '../../form/inputs.tsx';
import { type RowColumn, Rows } from '../../form/rows.tsx';
import type { Trigger } from './group-settings.ts';
import { Many, Section, type SectionProps } from './section.tsx';
import { TRIGGER_CHOICES } from './words.ts';

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
