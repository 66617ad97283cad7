/** The order of findings. Pure. */
import type { Finding } from './types.ts';

/** Sorts by place in the file; findings about the whole file come first. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0),
  );
}
