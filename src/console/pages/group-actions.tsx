/** Buttons that change a deployment group or delete it. */
import Button from '@cloudscape-design/components/button';
import { useState } from 'react';
import { call } from '../api/call.ts';
import { useSession } from '../api/session-context.ts';
import { useLocation } from '../routing/location.tsx';
import { Confirm } from '../view/confirm.tsx';

export function GroupActions({ application, group }: { readonly application: string; readonly group: string }) {
  const { may } = useSession();
  const { go } = useLocation();
  const [isDeleting, setDeleting] = useState(false);
  return (
    <>
      {may('UpdateDeploymentGroup') ? (
        <Button onClick={() => go({ page: 'edit-group', application, group })}>Change</Button>
      ) : null}
      {may('DeleteDeploymentGroup') ? <Button onClick={() => setDeleting(true)}>Delete</Button> : null}
      {isDeleting ? (
        <Confirm
          title={`Delete ${group}`}
          label="Delete"
          retype={group}
          effect="The group and its settings are gone for good. What is installed on its hosts stays there."
          carryOut={async () => {
            await call('DeleteDeploymentGroup', { applicationName: application, deploymentGroupName: group });
            go({ page: 'application', application });
          }}
          onEnd={() => setDeleting(false)}
        />
      ) : null}
    </>
  );
}
