/** A part of the form of a group, and what several parts have. */
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Multiselect from '@cloudscape-design/components/multiselect';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { FieldGroup } from '../../form/field.tsx';
import { Names } from '../../form/inputs.tsx';
import type { Platform } from '../../view/platforms.ts';
import type { GroupSettings } from './group-settings.ts';
import type { Known } from './known.ts';

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

interface NamesGroupProps {
  readonly label: string;
  readonly description?: string;
  /** An entry, as the button names it that adds one. */
  readonly one: string;
  /** What an empty list says. */
  readonly none: string;
  readonly path: string;
  /** What a name is within an entry of the request; empty: the entry itself. */
  readonly member: 'name' | '';
  readonly names: readonly string[];
  readonly known?: readonly string[];
  readonly onChange: (names: readonly string[]) => void;
  /** Stands above the list. */
  readonly above?: ReactNode;
  /** Stands below the list. */
  readonly children?: ReactNode;
}

/** A list of names under a label of its own. */
export function NamesGroup({ label, description = '', one, none, above, children, ...list }: NamesGroupProps) {
  return (
    <FieldGroup label={label} description={description}>
      <SpaceBetween size="s">
        {above}
        <Names name={label} addText={`Add ${one}`} empty={none} {...list} />
        {children}
      </SpaceBetween>
    </FieldGroup>
  );
}

interface ManyProps {
  readonly label: string;
  readonly placeholder: string;
  readonly values: readonly string[];
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (values: readonly string[]) => void;
}

export function Many({ label, placeholder, values, choices, onChange }: ManyProps) {
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
