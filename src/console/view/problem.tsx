/** A refusal on the page: what happened, why, and what to do. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import type { Refusal } from '../api/call.ts';
import { remedyFor } from './remedies.ts';

interface ProblemProps {
  readonly what: string;
  /** null: nothing is shown. */
  readonly problem: Refusal | null;
  readonly onRetry?: () => void;
}

export function Problem({ what, problem, onRetry }: ProblemProps) {
  if (problem === null) return null;
  const remedy = remedyFor(problem);
  return (
    <Alert type="error" header={what} {...(onRetry && { action: <Button onClick={onRetry}>Try again</Button> })}>
      <div>{problem.message}</div>
      {remedy === null ? null : <div>{remedy}</div>}
      <Box variant="small">{problem.type}</Box>
    </Alert>
  );
}
