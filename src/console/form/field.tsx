/** A field of a form, which shows the API's refusal where it belongs. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { createContext, type ReactNode, useContext, useEffect, useRef } from 'react';
import { type Fault, isWithin } from './faults.ts';

/** The refusal of the last save; null: there is none. */
export const FaultContext = createContext<Fault | null>(null);

/** @param paths places of a field in the request @returns the refusal that belongs there, or null */
export function useFault(paths: readonly string[]): Fault | null {
  const fault = useContext(FaultContext);
  return fault !== null && paths.some((path) => isWithin(fault.path, path)) ? fault : null;
}

interface FieldProps {
  readonly label: string;
  readonly description?: ReactNode;
  readonly constraint?: ReactNode;
  /** Places in the request that the field stands for. */
  readonly paths: readonly string[];
  readonly children: ReactNode;
}

export function Field({ label, description, constraint, paths, children }: FieldProps) {
  const fault = useFault(paths);
  return (
    <InSight fault={fault}>
      <FormField
        label={label}
        {...(description !== undefined && { description })}
        {...(constraint !== undefined && { constraintText: constraint })}
        {...(fault && { errorText: fault.message })}
        i18nStrings={{ errorIconAriaLabel: 'Refused' }}
      >
        {children}
      </FormField>
    </InSight>
  );
}

interface GroupProps {
  readonly label: string;
  readonly description?: string;
  readonly children: ReactNode;
}

/** Several controls under one label. Each has a name of its own, because a field can name only one. */
export function FieldGroup({ label, description = '', children }: GroupProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would bring looks of its own
    <div role="group" aria-label={label}>
      <SpaceBetween size="xs">
        <div>
          <Box variant="awsui-key-label">{label}</Box>
          {description === '' ? null : <Box variant="small">{description}</Box>}
        </div>
        {children}
      </SpaceBetween>
    </div>
  );
}

/** A refusal about several fields together stands above them. */
export function SectionFault({ path }: { readonly path: string }) {
  const fault = useContext(FaultContext);
  if (fault?.path !== path) return null;
  return (
    <InSight fault={fault}>
      <Alert type="error">{fault.message}</Alert>
    </InSight>
  );
}

/** Brings a new refusal into sight. */
export function InSight({ fault, children }: { readonly fault: Fault | null; readonly children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (fault !== null) place.current?.scrollIntoView({ block: 'center' });
  }, [fault]);
  return <div ref={place}>{children}</div>;
}
