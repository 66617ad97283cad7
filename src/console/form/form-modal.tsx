/** A small form before the page. */
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type ReactNode, useState } from 'react';
import type { Refusal } from '../api/call.ts';
import { refusalOf } from '../api/use-data.ts';
import { Problem } from '../view/problem.tsx';
import { faultOf } from './faults.ts';
import { FaultContext } from './field.tsx';

interface FormModalProps {
  readonly title: string;
  readonly label: string;
  save(): Promise<void>;
  readonly onEnd: () => void;
  readonly children: ReactNode;
}

/** Closes by itself when it has saved. */
export function FormModal({ title, label, save, onEnd, children }: FormModalProps) {
  const [problem, setProblem] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    try {
      await save();
      onEnd();
    } catch (error) {
      setProblem(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <FaultContext value={problem === null ? null : faultOf(problem)}>
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
              <Button variant="primary" loading={isBusy} onClick={() => void submit()}>
                {label}
              </Button>
            </SpaceBetween>
          </Box>
        }
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <SpaceBetween size="m">
            <Problem what="Nothing was saved" problem={problem} />
            {children}
          </SpaceBetween>
        </form>
      </Modal>
    </FaultContext>
  );
}
