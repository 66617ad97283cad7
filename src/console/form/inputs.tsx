/** Inputs of forms: each shows a value and reports another one. */
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import { type RowColumn, Rows } from './rows.tsx';

export interface Choice<Value extends string = string> {
  readonly value: Value;
  readonly label: string;
  readonly description?: string;
}

interface ChooseProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly Choice<Value>[];
  readonly onChange: (value: Value) => void;
}

/** One of some values. A value that is none of them is shown as it is, because it may come from another client. */
export function Choose<Value extends string>({ label, value, choices, onChange }: ChooseProps<Value>) {
  return (
    <Select
      ariaLabel={label}
      selectedOption={choices.find((one) => one.value === value) ?? { value, label: value || 'not set' }}
      options={choices.map((one) => ({ ...one }))}
      filteringType={choices.length > 10 ? 'auto' : 'none'}
      expandToViewport
      onChange={({ detail }) => onChange(detail.selectedOption.value as Value)}
    />
  );
}

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  /** Values that the server knows; others can be typed, too. */
  readonly known?: readonly string[];
  readonly onChange: (value: string) => void;
}

export function Text({ label, value, placeholder = '', known = [], onChange }: TextProps) {
  if (known.length === 0) {
    return (
      <Input
        value={value}
        ariaLabel={label}
        placeholder={placeholder}
        onChange={({ detail }) => onChange(detail.value)}
      />
    );
  }
  return (
    <Autosuggest
      value={value}
      ariaLabel={label}
      placeholder={placeholder}
      options={known.map((one) => ({ value: one }))}
      enteredTextLabel={(text) => `Use "${text}"`}
      empty="The server knows none"
      expandToViewport
      onChange={({ detail }) => onChange(detail.value)}
    />
  );
}

export function WholeNumber({ label, value, onChange }: Omit<TextProps, 'known' | 'placeholder'>) {
  return (
    <Input value={value} ariaLabel={label} inputMode="numeric" onChange={({ detail }) => onChange(detail.value)} />
  );
}

interface NamesProps {
  readonly name: string;
  readonly path: string;
  /** What a name is within an entry of the request; empty: the entry itself. */
  readonly member: string;
  readonly names: readonly string[];
  readonly known?: readonly string[];
  readonly addText: string;
  readonly empty: string;
  readonly onChange: (names: readonly string[]) => void;
}

/** As many entries as the API takes in each of its lists of names. */
const MOST_NAMES = 10;

export function Names({ name, path, member, names, known = [], addText, empty, onChange }: NamesProps) {
  const column: RowColumn<string> = {
    label: 'Name',
    member,
    control: (value, change, label) => <Text label={label} value={value} known={known} onChange={change} />,
  };
  return (
    <Rows {...{ name, path, addText, empty, onChange }} rows={names} columns={[column]} fresh="" most={MOST_NAMES} />
  );
}
