/** Loaded into the agent's processes by `--import`: lets the disk fail, or cuts the power, at one exact call. */
import { readFileSync, rmSync } from 'node:fs';
import { watchDisk } from './changing-calls.ts';
import { FAULT_FILE_VARIABLE, type Fault, type FaultPhase } from './fault.ts';

const JOURNAL = '-install.journal';

const faultFile = process.env[FAULT_FILE_VARIABLE];
const program = process.argv[1] ?? '';
// A thread has its own `node:fs`, and does nothing but install, or nothing but unpack.
const isSecondThread = /second-thread(-main)?\.[jt]s$/.test(program);
const isWatched = isSecondThread || /(second-writer(-main)?|executor(\/main)?)\.[jt]s$/.test(program);
if (faultFile !== undefined && isWatched) watch(faultFile);

function watch(file: string): void {
  // As it is before anybody stands between.
  const remove = rmSync;
  const counts: Record<FaultPhase, number> = { download: 0, install: 0, journal: 0 };
  let isInstalling = isSecondThread;

  watchDisk(
    ({ name, path, args }) => {
      if (path.endsWith(JOURNAL) && name === 'openSync' && args[1] === 'wx') isInstalling = true;
      for (const phase of phasesOf(path)) happen(phase, name);
    },
    ({ name, path }) => {
      if (path.endsWith(JOURNAL) && (name === 'rmSync' || name === 'unlinkSync')) isInstalling = false;
    },
  );

  function phasesOf(path: string): FaultPhase[] {
    const phases: FaultPhase[] = [];
    if (path.endsWith(JOURNAL)) phases.push('journal');
    if (isInstalling) phases.push('install');
    else if (/\/(bundle\.tar|deployment-archive-temp)/.test(path)) phases.push('download');
    return phases;
  }

  function happen(phase: FaultPhase, name: string): void {
    const fault = readFault();
    // Counting begins with the fault's arrival: the same executor carries out deployments that nothing happens to.
    counts[phase] = fault === null ? 0 : counts[phase] + 1;
    if (fault === null || fault.phase !== phase || fault.call !== counts[phase]) return;
    // The other thread may have come to it at the same instant.
    remove(file, { force: true });
    counts[phase] = 0;
    if (fault.action === 'error') {
      throw Object.assign(new Error(`${fault.code}: injected at ${name}`), { code: fault.code, syscall: name });
    }
    // The daemon first: it must not live to see its executor die.
    process.kill(process.ppid, 'SIGKILL');
    if (fault.action === 'kill-daemon') return;
    process.kill(process.pid, 'SIGKILL');
  }

  function readFault(): Fault | null {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Fault;
    } catch {
      return null;
    }
  }
}
