/** Making, renaming, tagging and deleting applications. */
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { type Tag, wireTags } from '../api/application-tags.ts';
import { call } from '../api/call.ts';
import { useSession } from '../api/session-context.ts';
import { Field } from '../form/field.tsx';
import { FormModal } from '../form/form-modal.tsx';
import { Choose, Text } from '../form/inputs.tsx';
import { useLocation } from '../routing/location.tsx';
import { Confirm } from '../view/confirm.tsx';
import { PLATFORMS, type Platform } from '../view/platforms.ts';
import { ApplicationTags, EditTags } from './application-tags.tsx';

/** A button that makes an application; nothing for a key that may not. */
export function NewApplicationButton() {
  const { may, session } = useSession();
  const { go } = useLocation();
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [computePlatform, setPlatform] = useState<Platform>('Server');
  const [tags, setTags] = useState<readonly Tag[]>([]);
  // A key of some groups reaches no application as a whole.
  if (!may('CreateApplication') || (session.scope?.groups ?? []).length > 0) return null;
  return (
    <>
      <Button variant="primary" onClick={() => setOpen(true)}>
        Create application
      </Button>
      {isOpen ? (
        <FormModal
          title="New application"
          label="Create"
          onEnd={() => setOpen(false)}
          save={async () => {
            const given = tags.length === 0 ? {} : { tags: wireTags(tags) };
            await call('CreateApplication', { applicationName: name, computePlatform, ...given });
            go({ page: 'application', application: name });
          }}
        >
          <Field label="Name" paths={['applicationName']}>
            <Text label="Name" value={name} onChange={setName} />
          </Field>
          <Field label="Deploys to" description="This stays as it is." paths={['computePlatform']}>
            <Choose label="Deploys to" value={computePlatform} choices={PLATFORMS} onChange={setPlatform} />
          </Field>
          <ApplicationTags tags={tags} path="tags" onChange={setTags} />
        </FormModal>
      ) : null}
    </>
  );
}

/** Buttons of one application; nothing for a key that reaches only a part of it. */
export function ApplicationActions({ application }: { readonly application: string }) {
  const { may, reach } = useSession();
  const { go } = useLocation();
  const [open, setOpen] = useState<'rename' | 'tags' | 'delete' | null>(null);
  const [name, setName] = useState(application);
  const isWhole = reach.hasApplication(application);
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {isWhole && may('UpdateApplication') ? <Button onClick={() => setOpen('rename')}>Rename</Button> : null}
      {isWhole && may('TagResource') ? <Button onClick={() => setOpen('tags')}>Tags</Button> : null}
      {isWhole && may('DeleteApplication') ? <Button onClick={() => setOpen('delete')}>Delete</Button> : null}
      {may('CreateDeploymentGroup') ? (
        <Button variant="primary" onClick={() => go({ page: 'new-group', application })}>
          Create group
        </Button>
      ) : null}
      {open === 'rename' ? (
        <FormModal
          title={`Rename ${application}`}
          label="Rename"
          onEnd={() => setOpen(null)}
          save={async () => {
            await call('UpdateApplication', { applicationName: application, newApplicationName: name });
            go({ page: 'application', application: name });
          }}
        >
          <Field
            label="New name"
            description="Groups, revisions and history stay. Scripts and pipelines must use the new name."
            paths={['applicationName', 'newApplicationName']}
          >
            <Text label="New name" value={name} onChange={setName} />
          </Field>
        </FormModal>
      ) : null}
      {open === 'tags' ? <EditTags application={application} onEnd={() => setOpen(null)} /> : null}
      {open === 'delete' ? (
        <Confirm
          title={`Delete ${application}`}
          label="Delete"
          retype={application}
          effect="Its groups, its deployments and the list of its revisions are gone for good. Hosts and bundles stay as they are."
          carryOut={async () => {
            await call('DeleteApplication', { applicationName: application });
            go({ page: 'applications' });
          }}
          onEnd={() => setOpen(null)}
        />
      ) : null}
    </SpaceBetween>
  );
}
