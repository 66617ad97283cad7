/** Takes an official agent over, and goes back. Each step notes down first how it is undone. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { copyKept, type KeptState, keepIn, readKept, type Undoing } from './kept.ts';
import { keptFolder } from './places.ts';
import { describeStep, type MigrationPlan, refused, type Step } from './plan.ts';
import type { AgentServices } from './services.ts';

export interface MigrationContext {
  readonly root: string;
  readonly services: AgentServices;
  /** Writes a unit for this program and starts it, where no package has brought one. */
  installService(): Promise<void>;
  /** Is told of each step when it is done. */
  onStep(text: string): void;
}

export async function carryOutMigration(ctx: MigrationContext, plan: MigrationPlan): Promise<void> {
  const kept = keepIn(keptFolder(ctx.root));
  for (const step of plan.steps) {
    await carryOut(ctx, kept, step).catch((error: unknown) => {
      ctx.onStep(`failed: ${describeStep(step)}; \`slipway migrate-from-codedeploy --undo\` goes back`);
      throw error;
    });
    ctx.onStep(`done: ${describeStep(step)}`);
  }
}

async function carryOut({ root, services, installService }: MigrationContext, kept: KeptState, step: Step) {
  switch (step.kind) {
    case 'keep': {
      const copy = kept.placeFor(step.file);
      copyKept(step.file, copy);
      return kept.note({ kind: 'restore', file: step.file, copy });
    }
    case 'stop':
      kept.note({ kind: 'start-official', ...(await services.official()) });
      return services.stop(step.unit);
    case 'set-aside': {
      const place = kept.placeFor(step.file);
      kept.note({ kind: 'put-back', file: step.file, from: place });
      return renameSync(step.file, place);
    }
    case 'copy':
      kept.note({ kind: 'remove', file: step.to });
      mkdirSync(dirname(step.to), { recursive: true });
      return copyKept(step.from, step.to);
    case 'start':
      kept.note({ kind: 'stop-slipway' });
      if (root === '/' && !services.hasUnit(step.unit)) return installService();
      return services.start(step.unit, { enable: true, now: true });
    default:
      return step satisfies never;
  }
}

/** @throws SlipwayError CLI_MIGRATION_REFUSED when nothing was taken over */
export async function undoMigration(ctx: MigrationContext): Promise<void> {
  const folder = keptFolder(ctx.root);
  for (const undoing of planUndo(ctx.root)) {
    await undo(ctx, undoing);
    ctx.onStep(`done: ${describeUndoing(undoing)}`);
  }
  rmSync(folder, { recursive: true });
}

/** Plans the way back, in this order: the official agent starts when everything else is as it was. */
export function planUndo(root: string): readonly Undoing[] {
  const noted = readKept(keptFolder(root));
  if (noted === null) {
    throw refused('no official agent has been taken over on this machine', {
      remedy: 'There is nothing to go back to.',
    });
  }
  const isStart = ({ kind }: Undoing) => kind === 'start-official';
  return [...noted.filter((one) => !isStart(one)), ...noted.filter(isStart)];
}

async function undo({ services }: MigrationContext, undoing: Undoing): Promise<void> {
  switch (undoing.kind) {
    case 'stop-slipway':
      if (services.hasUnit('slipway-agent')) await services.stop('slipway-agent');
      return;
    case 'restore':
      return restore(undoing);
    case 'remove':
      return rmSync(undoing.file, { force: true });
    case 'put-back':
      if (existsSync(undoing.from)) renameSync(undoing.from, undoing.file);
      return;
    case 'start-official':
      return services.start('codedeploy-agent', { enable: undoing.wasEnabled, now: undoing.wasActive });
    default:
      return undoing satisfies never;
  }
}

/** A file that was changed since, by `register` for instance, is kept beside the restored one. */
function restore({ file, copy }: { readonly file: string; readonly copy: string }): void {
  const isChanged = existsSync(file) && !readFileSync(file).equals(readFileSync(copy));
  // What the agents write themselves is nobody's work.
  if (isChanged && !file.endsWith('/.version')) copyKept(file, `${file}.slipway`);
  mkdirSync(dirname(file), { recursive: true });
  copyKept(copy, file);
}

/** For people: one line a step. */
export function describeUndoing(undoing: Undoing): string {
  switch (undoing.kind) {
    case 'stop-slipway':
      return 'stop the service slipway-agent, and start it no more with the machine';
    case 'restore':
      return `put ${undoing.file} back as it was; a changed one stays beside it as ${undoing.file}.slipway`;
    case 'remove':
      return `remove ${undoing.file}, which was not there`;
    case 'put-back':
      return `put ${undoing.file} back`;
    case 'start-official':
      return undoing.wasActive
        ? 'start the service codedeploy-agent'
        : 'leave the service codedeploy-agent stopped, as it was found';
    default:
      return undoing satisfies never;
  }
}
