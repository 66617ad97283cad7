/** A list in a form: a row for each entry, with the API's refusal at the entry that it names. */
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import type { ReactNode } from 'react';
import { InSight, useFault } from './field.tsx';

export interface RowColumn<Row> {
  readonly label: string;
  /** What the column stands for within an entry, such as `Key`; empty: the entry itself. */
  readonly member: string;
  control(row: Row, change: (row: Row) => void, ariaLabel: string): ReactNode;
}

interface RowsProps<Row> {
  /** Names the list for people who do not see it. */
  readonly name: string;
  /** Place of the list in the request. */
  readonly path: string;
  readonly rows: readonly Row[];
  readonly columns: readonly RowColumn<Row>[];
  /** An entry that is added. */
  readonly fresh: Row;
  readonly addText: string;
  readonly empty: string;
  /** As many as the API takes. */
  readonly most: number;
  readonly onChange: (rows: readonly Row[]) => void;
}

export function Rows<Row>({ name, path, rows, columns, fresh, addText, empty, most, onChange }: RowsProps<Row>) {
  const fault = useFault([path]);
  const rest = fault?.path?.slice(path.length) ?? null;
  const [, at, member = ''] = /^\[(\d+)\](?:\.(\w+))?/.exec(rest ?? '') ?? [];
  const column = Math.max(
    0,
    columns.findIndex((one) => one.member === member),
  );
  const isOfRow = at !== undefined && Number(at) < rows.length;
  return (
    <InSight fault={fault}>
      <AttributeEditor<Row>
        items={rows}
        addButtonText={addText}
        disableAddButton={rows.length >= most}
        removeButtonText="Remove"
        removeButtonAriaLabel={(row) => `Remove entry ${rows.indexOf(row) + 1} of ${name}`}
        empty={rows.length === 0 ? empty : undefined}
        onAddButtonClick={() => onChange([...rows, fresh])}
        onRemoveButtonClick={({ detail }) => onChange(rows.filter((_, index) => index !== detail.itemIndex))}
        i18nStrings={{ errorIconAriaLabel: 'Refused', itemRemovedAriaLive: 'The entry was removed.' }}
        {...(fault !== null && !isOfRow && { additionalInfo: <span role="alert">{fault.message}</span> })}
        definition={columns.map(({ label, control }, place) => ({
          label,
          control: (row: Row, index: number) =>
            control(
              row,
              (changed) => onChange(rows.map((one, other) => (other === index ? changed : one))),
              `${label} of entry ${index + 1} of ${name}`,
            ),
          errorText: (_: Row, index: number) =>
            isOfRow && Number(at) === index && place === column ? fault?.message : undefined,
        }))}
      />
    </InSight>
  );
}
