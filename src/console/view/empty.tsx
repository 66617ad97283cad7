/** A list without entries: says so, and what to do next. */
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Box textAlign="center" color="inherit" padding={{ vertical: 's' }}>
      <SpaceBetween size="xxs">
        <b>{title}</b>
        {children}
      </SpaceBetween>
    </Box>
  );
}

/** A command that people can type. */
export function Command({ children }: { readonly children: string }) {
  return <Box variant="code">{children}</Box>;
}
