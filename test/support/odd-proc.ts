/** Folders in the place of /proc that do not show what /proc usually shows. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import type { ScratchFolder } from './scratch.ts';

export const ODD_PROCS = ['missing', 'a file', 'empty', 'garbled', 'of another namespace', 'hiding others'] as const;
export type OddProc = (typeof ODD_PROCS)[number];

/** Those in which this process does not find itself. */
export const BLIND_PROCS = ODD_PROCS.filter((kind) => kind !== 'hiding others');

const GARBAGE = ['', '\0\0', 'a b c d e f g h', '999999999999999999 (x) R', `${process.pid} (node`, '-1 (x) S 1 1'];
const FILES = ['stat', 'environ', 'cgroup', 'cmdline', 'limits', 'mountinfo', 'status'];

/** @returns the path of the folder */
export function makeOddProc(scratch: ScratchFolder, kind: OddProc): string {
  const proc = scratch.at('proc');
  if (kind === 'missing') return proc;
  if (kind === 'a file') {
    writeFileSync(proc, 'x');
    return proc;
  }
  mkdirSync(proc);
  if (kind === 'empty') return proc;
  if (kind === 'garbled') fillWithGarbage(proc);
  if (kind === 'of another namespace') {
    symlinkSync('17', `${proc}/self`);
    addProcess(proc, 17);
    addProcess(proc, process.pid);
    addProcess(proc, 1);
  }
  if (kind === 'hiding others') {
    symlinkSync(String(process.pid), `${proc}/self`);
    addProcess(proc, process.pid);
  }
  return proc;
}

/** A process as this one is, under another number. */
export function addProcess(proc: string, pid: number, change = (stat: string) => stat): void {
  mkdirSync(`${proc}/${pid}`);
  const own = readFileSync('/proc/self/stat', 'utf8');
  writeFileSync(`${proc}/${pid}/stat`, change(own.replace(/^\d+/, String(pid))));
  for (const name of ['environ', 'cgroup', 'cmdline']) cpSync(`/proc/self/${name}`, `${proc}/${pid}/${name}`);
}

function fillWithGarbage(proc: string): void {
  symlinkSync(String(process.pid), `${proc}/self`);
  for (const [index, pid] of [process.pid, 1, 2, 3, 4, 5].entries()) {
    mkdirSync(`${proc}/${pid}/fd`, { recursive: true });
    mkdirSync(`${proc}/${pid}/fdinfo`);
    writeFileSync(`${proc}/${pid}/fd/0`, 'no link');
    writeFileSync(`${proc}/${pid}/fdinfo/0`, 'flags: no number\n');
    writeFileSync(`${proc}/${pid}/fdinfo/..x`, '');
    for (const file of FILES) writeFileSync(`${proc}/${pid}/${file}`, GARBAGE[index] ?? '');
  }
  // Folders where files are, and files where folders are.
  mkdirSync(`${proc}/6/stat`, { recursive: true });
  writeFileSync(`${proc}/7`, 'x');
  writeFileSync(`${proc}/08x`, 'x');
  mkdirSync(`${proc}/sys/kernel/random`, { recursive: true });
  writeFileSync(`${proc}/sys/kernel/random/boot_id`, '\n');
}
