/** Programs that permissions of an AppSpec file may need on the host, and the Debian packages that bring them. Pure. */
import type { PlannedPermission } from './types.ts';

export const DEBIAN_PACKAGES = {
  setfacl: 'acl',
  getfacl: 'acl',
  semanage: 'policycoreutils-python-utils',
  restorecon: 'policycoreutils',
  chcon: 'coreutils',
} as const;

export type AttributeProgram = keyof typeof DEBIAN_PACKAGES;

export function programsFor({ acls, context }: PlannedPermission): readonly AttributeProgram[] {
  return [
    ...(acls === null ? [] : ['setfacl' as const]),
    ...(context === null ? [] : ['semanage' as const, 'restorecon' as const]),
  ];
}
