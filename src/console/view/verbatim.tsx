import type { ReactNode } from 'react';

/** Words of a script or a file as they are. Lines that are longer than the screen are wrapped, so that no page scrolls sideways. */
export function Verbatim({ children }: { readonly children: ReactNode }) {
  return <pre className="verbatim">{children}</pre>;
}
