/** Asks before something is done, and says what will happen. */
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { Dialog } from './dialog.tsx';
import { Problem } from './problem.tsx';
import { useSubmit } from './use-submit.ts';

interface ConfirmProps {
  readonly title: string;
  readonly effect: string;
  /** Of the button that does it. */
  readonly label: string;
  /** What has to be typed first, for what cannot be undone; absent: nothing. */
  readonly retype?: string;
  carryOut(): Promise<unknown>;
  /** It is done, or the person has changed their mind. */
  readonly onEnd: () => void;
}

export function Confirm({ title, effect, label, retype, carryOut, onEnd }: ConfirmProps) {
  const [typed, setTyped] = useState('');
  const submit = useSubmit(carryOut, onEnd);
  return (
    <Dialog {...{ title, label, submit, onEnd }} isDisabled={retype !== undefined && typed !== retype}>
      <SpaceBetween size="m">
        <Problem what="This was refused" problem={submit.problem} />
        <Box>{effect}</Box>
        {retype === undefined ? null : (
          <FormField label={`Type ${retype} to go on`}>
            <Input
              value={typed}
              ariaLabel={`Type ${retype} to go on`}
              onChange={({ detail }) => setTyped(detail.value)}
            />
          </FormField>
        )}
      </SpaceBetween>
    </Dialog>
  );
}
