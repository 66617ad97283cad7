import { readdirSync, readFileSync } from 'node:fs';
import { killTree } from './process-tree.ts';

// A test that ran out of time goes on until its worker ends, and may start something yet. Loaded once by each worker.
process.once('exit', killOwnChildren);

export function killOwnChildren(): void {
  for (const pid of ownChildren()) killTree(pid);
}

/** Only of this worker; its children's children are found when there is something to kill, which is rare. */
export function ownChildren(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    } catch {
      // A thread that has gone meanwhile, or a kernel without this file.
      return [];
    }
  });
}
