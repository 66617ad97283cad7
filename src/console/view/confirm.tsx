/** Asks before something is done, and says what will happen. */
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import type { Refusal } from '../api/call.ts';
import { refusalOf } from '../api/use-data.ts';
import { Problem } from './problem.tsx';

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
  const [problem, setProblem] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      await carryOut();
      onEnd();
    } catch (error) {
      setProblem(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      header={title}
      closeAriaLabel="Close"
      onDismiss={onEnd}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onEnd}>
              Cancel
            </Button>
            <Button
              variant="primary"
              loading={isBusy}
              disabled={retype !== undefined && typed !== retype}
              onClick={() => void act()}
            >
              {label}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Problem what="This was refused" problem={problem} />
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
    </Modal>
  );
}
