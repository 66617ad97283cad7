/** `<group>-install.json`: the plan in the official agent's words, for operators and tools that read it. */
import type { CleanupEntry, InstallPlan, PlannedFile } from './types.ts';

/** @returns its lines, made as they are taken */
export function* formatInstructions(plan: InstallPlan): Generator<string> {
  yield '{"instructions": [';
  let separator = '\n';
  for (const instruction of instructionsOf(plan)) {
    yield `${separator}${JSON.stringify(instruction)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}

function* instructionsOf(plan: InstallPlan): Generator<object> {
  for (const directory of plan.folders) yield { type: 'mkdir', directory };
  for (const { source, path } of filesOf(plan)) yield { type: 'copy', source, destination: path };
  for (const { path: file, owner, group, mode, acls, context } of plan.permissions) {
    if (owner !== null || group !== null) yield { type: 'chown', owner, group, file };
    if (mode !== null) yield { type: 'chmod', mode: mode.toString(8).padStart(3, '0'), file };
    if (acls !== null) yield { type: 'setfacl', acl: acls, file };
    if (context !== null) yield { type: 'semanage', context, file };
  }
}

/** Lists what the next Install has to take away of this one, in the order in which it is made. */
export function* cleanupOf(plan: InstallPlan): Generator<CleanupEntry> {
  for (const path of plan.folders) yield { kind: 'path', path };
  for (const path of plan.carried) yield { kind: 'path', path };
  for (const { path } of filesOf(plan)) yield { kind: 'path', path };
  for (const { path, context } of plan.permissions) if (context !== null) yield { kind: 'semanage', path };
}

function* filesOf({ files, unchanged }: InstallPlan): Generator<PlannedFile> {
  yield* files;
  yield* unchanged;
}
