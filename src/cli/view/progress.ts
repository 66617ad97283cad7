/** How far a deployment has come, in words: the phases of blue/green and the steps of a shift of traffic. Pure. */
import type { ManagementOperations, PhaseRecord } from '../../protocol/management/shapes.ts';
import { printable } from '../../system/printable.ts';
import { renderDuration, renderTime } from './time.ts';

type Progress = Pick<ManagementOperations['DescribeDeploymentProgress']['output'], 'phases' | 'traffic'>;

const PHASES: Readonly<Partial<Record<string, string>>> = {
  Provision: 'replacement hosts are made',
  Install: 'the revision is installed',
  ReadyWait: 'wait for `slipway deployments continue`',
  Reroute: 'traffic is rerouted',
  TerminationWait: 'the original ones are kept',
  Terminate: 'the original ones are terminated',
};
const STEPS: Readonly<Partial<Record<string, string>>> = {
  Taken: 'since',
  Next: 'next, at',
  Later: 'at',
  Skipped: 'not taken',
};

/** A line for each phase and each step; none for a deployment in place. */
export function progressLines({ phases, traffic }: Progress): string[] {
  return [
    ...phases.map(
      (phase) =>
        `phase: ${(PHASES[phase.name] ?? phase.name).padEnd(40)}  ${phase.status.padEnd(10)}  ${timesOf(phase)}`,
    ),
    ...(traffic === undefined ? [] : [`traffic: ${traffic.percent} % to the new version`]),
    ...(traffic?.steps ?? []).map(({ percent, status, time }) => {
      const when = time === undefined ? '' : ` ${renderTime(time)} UTC`;
      return `  ${String(percent).padStart(3)} %  ${time === undefined && status !== 'Skipped' ? 'to come' : (STEPS[status] ?? status)}${when}`;
    }),
  ].map((line) => printable(line.trimEnd()));
}

function timesOf({ startTime, endTime, untilTime }: PhaseRecord): string {
  if (startTime === undefined) return '';
  if (untilTime !== undefined) return `until ${renderTime(untilTime)} UTC`;
  return endTime === undefined ? `since ${renderTime(startTime)} UTC` : renderDuration((endTime - startTime) * 1000);
}
