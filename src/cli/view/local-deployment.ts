/** How `slipway local` and `slipway rollback` tell what happens: lines for people, or one JSON object a line. */
import type { LocalDeploymentProgress, LocalDeploymentResult } from '../../local/deploy.ts';
import type { LocalDeploymentPlan } from '../../local/plan.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type { OnProgress } from '../../revision/progress.ts';
import { printable } from '../../system/printable.ts';
import type { CliContext } from '../context.ts';
import { createProgressBar } from './progress-bar.ts';
import type { ResultOptions } from './result.ts';
import { renderDuration } from './time.ts';

export interface LocalDeploymentView {
  readonly download: OnProgress;
  begin(plan: LocalDeploymentPlan): void;
  progress(progress: LocalDeploymentProgress): void;
  end(plan: LocalDeploymentPlan, result: LocalDeploymentResult): void;
}

export function localDeploymentView(ctx: CliContext, { json }: ResultOptions): LocalDeploymentView {
  return json === true ? jsonView(ctx) : textView(ctx);
}

function textView({ stdout, stderr, clock }: CliContext): LocalDeploymentView {
  const bar = createProgressBar(stdout, clock);
  return {
    download: bar.update,
    begin: ({ specification, events }) =>
      stdout.write(`deployment ${specification.deploymentId}: ${events.join(', ')}\n`),
    progress(progress) {
      if (progress.type === 'started') return;
      bar.clear();
      const { event, outcome, durationMs } = progress;
      stdout.write(`  ${event.padEnd(18)}  ${outcome.status.padEnd(9)}  ${renderDuration(durationMs)}\n`);
      for (const line of warningsOf(event, outcome)) stderr.write(`slipway: ${line}\n`);
    },
    end({ specification }, { failure, deploymentDir, scriptsLog, status }) {
      if (failure !== null) {
        const { event, outcome, script } = failure;
        const log = outcome.diagnostics.log.split('\n').filter((line) => line !== '');
        stderr.writeLines([
          `slipway: ${event} failed: ${printable(outcome.diagnostics.message)}`,
          ...(script === null ? [] : [`  script: ${printable(script)}`]),
          ...log.map((line) => `  | ${printable(line)}`),
        ]);
      }
      stdout.writeLines([
        `revision: ${deploymentDir}`,
        `scripts’ log: ${scriptsLog}`,
        `${specification.deploymentId}: ${status}`,
      ]);
    },
  };
}

/** Objects are of the types that `slipway deploy --json` has: `event` for each event that has ended, `deployment` at the end. */
function jsonView({ stdout }: CliContext): LocalDeploymentView {
  const print = (value: unknown) => stdout.writeLines([JSON.stringify(value)]);
  return {
    download: () => undefined,
    begin: () => undefined,
    progress(progress) {
      if (progress.type === 'started') return;
      const { event: lifecycleEventName, outcome, durationMs } = progress;
      const { status, diagnostics } = outcome;
      print({ type: 'event', lifecycleEventName, status, durationMs, diagnostics });
    },
    end({ specification }, { failure, status, ...places }) {
      const { deploymentId } = specification;
      const failed = failure === null ? null : { lifecycleEventName: failure.event, script: failure.script };
      print({ type: 'deployment', deploymentId, status, ...places, failure: failed });
    },
  };
}

/** Warnings of an event that succeeded. The scripts' own words are in their log. */
function warningsOf(event: string, { status, diagnostics }: CommandOutcome): string[] {
  if (status !== 'Succeeded') return [];
  if (event === 'Install') return diagnostics.log.split('\n').filter((line) => line !== '');
  const [, note] = /^Succeeded: (.+)$/s.exec(diagnostics.message) ?? [];
  return note === undefined || event === 'DownloadBundle' ? [] : [`warning: ${note}`];
}
