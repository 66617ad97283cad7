/** `<group>-install.json`: the plan in the official agent's words, for operators and tools that read it. */
import type { CleanupEntry, InstallPlan } from './types.ts';

export function formatInstructions(plan: InstallPlan): string {
  const instructions = [
    ...plan.folders.map((directory) => ({ type: 'mkdir', directory })),
    ...[...plan.files, ...plan.unchanged].map(({ source, path }) => ({ type: 'copy', source, destination: path })),
    ...plan.permissions.flatMap(({ path: file, owner, group, mode, acls, context }) => [
      ...(owner !== null || group !== null ? [{ type: 'chown', owner, group, file }] : []),
      ...(mode !== null ? [{ type: 'chmod', mode: mode.toString(8).padStart(3, '0'), file }] : []),
      ...(acls !== null ? [{ type: 'setfacl', acl: acls, file }] : []),
      ...(context !== null ? [{ type: 'semanage', context, file }] : []),
    ]),
  ];
  return `${JSON.stringify({ instructions }, null, 1)}\n`;
}

/** What the next Install has to take away of this one, in the order in which it is made. */
export function cleanupOf(plan: InstallPlan): CleanupEntry[] {
  return [
    ...[...plan.folders, ...plan.carried].map((path): CleanupEntry => ({ kind: 'path', path })),
    ...[...plan.files, ...plan.unchanged].map(({ path }): CleanupEntry => ({ kind: 'path', path })),
    ...plan.permissions.flatMap(({ path, context }): CleanupEntry[] =>
      context === null ? [] : [{ kind: 'semanage', path }],
    ),
  ];
}
