/** A question before the page, with the two buttons that end it. */
import Box from '@cloudscape-design/components/box';
import Modal from '@cloudscape-design/components/modal';
import type { ReactNode } from 'react';
import { Endings } from './endings.tsx';
import type { Submit } from './use-submit.ts';

interface DialogProps {
  readonly title: string;
  /** What carrying out is called. */
  readonly label: string;
  readonly submit: Submit;
  readonly isDisabled?: boolean;
  readonly onEnd: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, label, submit, isDisabled = false, onEnd, children }: DialogProps) {
  const { isBusy } = submit;
  return (
    <Modal
      visible
      header={title}
      closeAriaLabel="Close"
      onDismiss={onEnd}
      footer={
        <Box float="right">
          <Endings {...{ label, isBusy, isDisabled }} onCancel={onEnd} onSubmit={submit.submit} />
        </Box>
      }
    >
      {children}
    </Modal>
  );
}
