/** The two buttons that end a form: one gives it up, the other carries it out. */
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';

interface EndingsProps {
  /** What carrying out is called. */
  readonly label: string;
  readonly isBusy: boolean;
  /** Whether something is still missing. */
  readonly isDisabled?: boolean;
  readonly onCancel: () => void;
  /** Absent: the button submits the form that it stands in. */
  readonly onSubmit?: () => void;
}

export function Endings({ label, isBusy, isDisabled = false, onCancel, onSubmit }: EndingsProps) {
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Button variant="link" formAction="none" onClick={onCancel}>
        Cancel
      </Button>
      <Button
        variant="primary"
        formAction={onSubmit === undefined ? 'submit' : 'none'}
        loading={isBusy}
        disabled={isDisabled}
        {...(onSubmit && { onClick: onSubmit })}
      >
        {label}
      </Button>
    </SpaceBetween>
  );
}
