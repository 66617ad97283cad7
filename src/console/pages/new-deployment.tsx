/** A new deployment to a group: says what it will do before it does it. */
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { useSession } from '../api/session-context.ts';
import { useData } from '../api/use-data.ts';
import { useLocation } from '../routing/location.tsx';
import { type RevisionLocation, revisionName, revisionText } from '../view/deployments.ts';
import { Dialog } from '../view/dialog.tsx';
import { Problem } from '../view/problem.tsx';
import { useSubmit } from '../view/use-submit.ts';
import { comingLines } from './group/coming.ts';
import { readComing } from './group/read-coming.ts';

interface NewDeploymentProps {
  readonly application: string;
  readonly group: string;
  readonly onEnd: () => void;
}

type Behaviour = 'DISALLOW' | 'OVERWRITE' | 'RETAIN';

const BEHAVIOURS: readonly { readonly value: Behaviour; readonly label: string }[] = [
  { value: 'DISALLOW', label: 'Fail (DISALLOW)' },
  { value: 'OVERWRITE', label: 'Overwrite them (OVERWRITE)' },
  { value: 'RETAIN', label: 'Keep them (RETAIN)' },
];

export function NewDeployment({ application, group, onEnd }: NewDeploymentProps) {
  const { go } = useLocation();
  const { may } = useSession();
  const revisions = useData(`revisions of ${application}`, async (signal) => {
    const order = { sortBy: 'lastUsedTime', sortOrder: 'descending' } as const;
    const answer = await call('ListApplicationRevisions', { applicationName: application, ...order }, signal);
    return answer.revisions ?? [];
  });
  const coming = useData(`coming ${application}/${group}`, (signal) =>
    readComing(application, group, may('ListOnPremisesInstances'), signal),
  );
  const [chosen, setChosen] = useState<number | null>(null);
  const [description, setDescription] = useState('');
  const [behaviour, setBehaviour] = useState<Behaviour>('DISALLOW');
  const revision: RevisionLocation | undefined = chosen === null ? undefined : revisions.data?.[chosen];

  const submit = useSubmit(async () => {
    if (revision === undefined) return;
    const { deploymentId = '' } = await call('CreateDeployment', {
      applicationName: application,
      deploymentGroupName: group,
      revision,
      fileExistsBehavior: behaviour,
      ...(description === '' ? {} : { description }),
    });
    go({ page: 'deployment', id: deploymentId, target: null });
  }, onEnd);

  return (
    <Dialog title={`Deploy to ${group}`} label="Deploy" {...{ submit, onEnd }} isDisabled={revision === undefined}>
      <SpaceBetween size="m">
        <Problem what="The deployment was not made" problem={submit.problem} />
        <Problem what="The revisions cannot be shown" problem={revisions.problem} onRetry={revisions.reload} />
        <FormField
          label="Revision"
          description="The one that was used last comes first."
          {...(revision && { constraintText: revisionText(revision) })}
        >
          <Select
            placeholder="Choose a revision"
            ariaLabel="Revision"
            filteringType="auto"
            expandToViewport
            statusType={revisions.isLoading ? 'loading' : 'finished'}
            loadingText="Loading revisions"
            empty="No revision is known. slipway push brings one."
            selectedOption={chosen === null ? null : { value: String(chosen), label: revisionName(revision) }}
            options={(revisions.data ?? []).map((one, at) => ({
              value: String(at),
              label: revisionName(one),
              description: revisionText(one),
            }))}
            onChange={({ detail }) => setChosen(Number(detail.selectedOption.value))}
          />
        </FormField>
        <FormField label="Files that are there and that no deployment has brought">
          <Select
            ariaLabel="Files that are there"
            selectedOption={BEHAVIOURS.find(({ value }) => value === behaviour) ?? null}
            options={BEHAVIOURS}
            onChange={({ detail }) => setBehaviour(detail.selectedOption.value as Behaviour)}
          />
        </FormField>
        <FormField label="Description" description="Optional. The list of deployments and the audit log show it.">
          <Input value={description} ariaLabel="Description" onChange={({ detail }) => setDescription(detail.value)} />
        </FormField>
        <Problem what="What will happen cannot be said" problem={coming.problem} onRetry={coming.reload} />
        {coming.data === null ? null : (
          <section aria-label="What will happen">
            <Box variant="h3">What will happen</Box>
            <ul>
              {comingLines(coming.data).map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </section>
        )}
      </SpaceBetween>
    </Dialog>
  );
}
