/** Ids of deployments, as the hosted service makes them. Pure. */
import type { Random } from '../../system/random.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** @returns `d-` and nine capitals and digits */
export function newDeploymentId(random: Pick<Random, 'text'>): string {
  return `d-${random.text(9, LETTERS)}`;
}
