/** A small form before the page. */
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { Dialog } from '../view/dialog.tsx';
import { Problem } from '../view/problem.tsx';
import { useSubmit } from '../view/use-submit.ts';
import { faultOf } from './faults.ts';
import { FaultContext } from './field.tsx';

interface FormModalProps {
  readonly title: string;
  readonly label: string;
  save(): Promise<void>;
  readonly isDisabled?: boolean;
  readonly onEnd: () => void;
  readonly children: ReactNode;
}

/** Closes by itself when it has saved. */
export function FormModal({ title, label, save, isDisabled = false, onEnd, children }: FormModalProps) {
  const submit = useSubmit(save, onEnd);
  const { problem } = submit;
  return (
    <FaultContext value={problem === null ? null : faultOf(problem)}>
      <Dialog {...{ title, label, submit, isDisabled, onEnd }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!isDisabled) submit.submit();
          }}
        >
          <SpaceBetween size="m">
            <Problem what="Nothing was saved" problem={problem} />
            {children}
          </SpaceBetween>
          {/* Enter in a field submits only a form that has such a button; the visible one stands in the dialog's footer. */}
          <button type="submit" hidden>
            {label}
          </button>
        </form>
      </Dialog>
    </FaultContext>
  );
}
