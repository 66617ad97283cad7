/** Tags that hosts of a group have: lists of filters, of which a host must match one in each list. */
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { FieldGroup } from '../../form/field.tsx';
import { Choose, Text } from '../../form/inputs.tsx';
import { type RowColumn, Rows } from '../../form/rows.tsx';
import type { Filter, FilterType } from './group-settings.ts';

/** The limits of the API. */
const MOST_LISTS = 3;
const MOST_FILTERS = 10;

const FRESH: Filter = { type: 'KEY_AND_VALUE', key: '', value: '' };

const TYPES: readonly { readonly value: FilterType; readonly label: string }[] = [
  { value: 'KEY_AND_VALUE', label: 'Key and value' },
  { value: 'KEY_ONLY', label: 'Key, any value' },
  { value: 'VALUE_ONLY', label: 'Value, any key' },
];

const COLUMNS: readonly RowColumn<Filter>[] = [
  {
    label: 'Match',
    member: 'Type',
    control: (row, change, label) => (
      <Choose label={label} value={row.type} choices={TYPES} onChange={(type) => change({ ...row, type })} />
    ),
  },
  {
    label: 'Key',
    member: 'Key',
    control: (row, change, label) =>
      row.type === 'VALUE_ONLY' ? (
        'any'
      ) : (
        <Text label={label} value={row.key} placeholder="Role" onChange={(key) => change({ ...row, key })} />
      ),
  },
  {
    label: 'Value',
    member: 'Value',
    control: (row, change, label) =>
      row.type === 'KEY_ONLY' ? (
        'any'
      ) : (
        <Text label={label} value={row.value} placeholder="web" onChange={(value) => change({ ...row, value })} />
      ),
  },
];

interface FiltersProps {
  readonly label: string;
  readonly description: string;
  /** Member of one list, and place of several lists in the request. */
  readonly paths: { readonly flat: string; readonly set: string };
  readonly lists: readonly (readonly Filter[])[];
  readonly onChange: (lists: readonly (readonly Filter[])[]) => void;
}

export function Filters({ label, description, paths, lists, onChange }: FiltersProps) {
  const shown = lists.length === 0 ? [[]] : lists;
  const replace = (at: number, list: readonly Filter[]) => {
    const changed = shown.map((one, index) => (index === at ? list : one));
    // A list without filters asks for nothing.
    onChange(changed.filter((one) => one.length > 0));
  };
  const isSet = shown.length > 1;
  return (
    <SpaceBetween size="s">
      {shown.map((list, at) => (
        <FieldGroup
          key={placeOf(at)}
          label={at === 0 ? label : `and also (list ${at + 1})`}
          description={at === 0 ? description : ''}
        >
          <Rows<Filter>
            name={at === 0 ? label : `${label}, list ${at + 1}`}
            path={isSet ? `${paths.set}[${at}]` : paths.flat}
            rows={list}
            columns={COLUMNS}
            fresh={FRESH}
            addText="Add a tag"
            empty="No tags"
            most={MOST_FILTERS}
            onChange={(next) => replace(at, next)}
          />
        </FieldGroup>
      ))}
      {lists.length === 0 || lists.length >= MOST_LISTS ? null : (
        <Button
          onClick={() => onChange([...lists, [FRESH]])}
          ariaLabel={`Add a list that hosts must also match to ${label}`}
        >
          Add a list that hosts must also match
        </Button>
      )}
    </SpaceBetween>
  );
}

/** A list has no name but its place. */
function placeOf(at: number): string {
  return `list ${at + 1}`;
}
