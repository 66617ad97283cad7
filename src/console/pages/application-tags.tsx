/** Tags of an application, in the form of a new one and in a form of their own. */
import { useState } from 'react';
import { readTags, saveTags, type Tag } from '../api/application-tags.ts';
import { useData } from '../api/use-data.ts';
import { FieldGroup } from '../form/field.tsx';
import { FormModal } from '../form/form-modal.tsx';
import { Text } from '../form/inputs.tsx';
import { type RowColumn, Rows } from '../form/rows.tsx';
import { Problem } from '../view/problem.tsx';

/** The limit of the API. */
const MOST_TAGS = 50;

const COLUMNS: readonly RowColumn<Tag>[] = [
  {
    label: 'Key',
    member: 'Key',
    control: (row, change, label) => (
      <Text label={label} value={row.key} placeholder="Team" onChange={(key) => change({ ...row, key })} />
    ),
  },
  {
    label: 'Value',
    member: 'Value',
    control: (row, change, label) => (
      <Text label={label} value={row.value} placeholder="shop" onChange={(value) => change({ ...row, value })} />
    ),
  },
];

interface ApplicationTagsProps {
  readonly tags: readonly Tag[];
  /** Place of the list in the request. */
  readonly path: 'tags' | 'Tags';
  readonly onChange: (tags: readonly Tag[]) => void;
}

export function ApplicationTags({ tags, path, onChange }: ApplicationTagsProps) {
  return (
    <FieldGroup
      label="Tags"
      description="For people and programs that look for applications; deployments do nothing with them."
    >
      <Rows<Tag>
        name="Tags"
        path={path}
        rows={tags}
        columns={COLUMNS}
        fresh={{ key: '', value: '' }}
        addText="Add a tag"
        empty="No tags"
        most={MOST_TAGS}
        onChange={onChange}
      />
    </FieldGroup>
  );
}

export function EditTags({ application, onEnd }: { readonly application: string; readonly onEnd: () => void }) {
  const opened = useData(`tags of ${application}`, (signal) => readTags(application, signal));
  const [edited, setEdited] = useState<readonly Tag[] | null>(null);
  const before = opened.data ?? [];
  const tags = edited ?? before;
  return (
    <FormModal
      title={`Tags of ${application}`}
      label="Save"
      isDisabled={opened.data === null}
      onEnd={onEnd}
      save={() => saveTags(application, before, tags)}
    >
      <Problem what="The tags cannot be shown" problem={opened.problem} onRetry={opened.reload} />
      {opened.data === null ? null : <ApplicationTags tags={tags} path="Tags" onChange={setEdited} />}
    </FormModal>
  );
}
