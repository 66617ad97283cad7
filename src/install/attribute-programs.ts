/** Programs that permissions of an AppSpec file may need on the host. Pure. */
import type { SystemProgram } from '../system/program-table.ts';
import type { PlannedPermission } from './types.ts';

export type AttributeProgram = Extract<SystemProgram, 'setfacl' | 'getfacl' | 'semanage' | 'restorecon' | 'chcon'>;

export function programsFor({ acls, context }: PlannedPermission): readonly AttributeProgram[] {
  return [
    ...(acls === null ? [] : ['setfacl' as const]),
    ...(context === null ? [] : ['semanage' as const, 'restorecon' as const]),
  ];
}
