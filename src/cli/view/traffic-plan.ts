/** The calls that a deployment of Lambda or ECS would make, as lines. Pure. */
import type { PlannedCall } from '../../protocol/management/shapes.ts';
import { printable } from '../../system/printable.ts';

/** A line for each call. A call that was made for the plan has its answer in a line below. */
export function plannedCallLines(calls: readonly PlannedCall[]): string[] {
  return calls.flatMap(({ event, minute, call, answer }) => {
    const when = minute === null ? '' : `+${minute} min`;
    const line = `${printable(event ?? 'before').padEnd(21)}  ${when.padEnd(9)}  ${printable(call)}`.trimEnd();
    return answer === null ? [line] : [line, `${' '.repeat(34)}→ ${printable(answer)}`];
  });
}
