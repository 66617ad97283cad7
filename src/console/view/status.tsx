/** States of deployments, targets and events, each with its own sign beside its colour. */
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';

const SIGNS: Readonly<Record<string, StatusIndicatorProps.Type>> = {
  Created: 'pending',
  Queued: 'pending',
  Pending: 'pending',
  InProgress: 'in-progress',
  Ready: 'info',
  Succeeded: 'success',
  Failed: 'error',
  Stopped: 'stopped',
  Skipped: 'stopped',
  Unknown: 'warning',
};

const WORDS: Readonly<Record<string, string>> = { InProgress: 'In progress' };

export function Status({ status }: { readonly status: string | undefined }) {
  const name = status ?? 'Unknown';
  return (
    <StatusIndicator type={SIGNS[name] ?? 'info'} wrapText={false}>
      {WORDS[name] ?? name}
    </StatusIndicator>
  );
}
