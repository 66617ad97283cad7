/** Loaded into the agent's processes by `--import`: lets the disk fail, or cuts the power, at one exact call. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { FAULT_FILE_VARIABLE, type Fault, type FaultPhase } from './fault.ts';

const CHANGING = [
  'chmodSync',
  'copyFileSync',
  'fchmodSync',
  'fchownSync',
  'fsyncSync',
  'futimesSync',
  'lchownSync',
  'linkSync',
  'lutimesSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmdirSync',
  'rmSync',
  'symlinkSync',
  'unlinkSync',
  'utimesSync',
  'writeSync',
] as const;

const faultFile = process.env[FAULT_FILE_VARIABLE];
const program = process.argv[1] ?? '';
if (faultFile !== undefined && /executor(\/main)?\.[jt]s$/.test(program)) watch(faultFile);

function watch(file: string): void {
  const real = { ...fs };
  const names = new Map<number, string>();
  const counts: Record<FaultPhase, number> = { download: 0, install: 0, journal: 0 };
  let isInstalling = false;

  for (const name of CHANGING) {
    const original = real[name] as (...args: unknown[]) => unknown;
    const replacement = (...args: unknown[]): unknown => {
      const [first] = args;
      const path = typeof first === 'number' ? (names.get(first) ?? '') : String(first);
      if (path.endsWith('-install.journal') && name === 'openSync' && args[1] === 'wx') isInstalling = true;
      // A file that is only read is opened as well.
      const changes =
        name !== 'openSync' || (args[1] !== undefined && args[1] !== 'r' && args[1] !== real.constants.O_RDONLY);
      for (const phase of changes ? phasesOf(path) : []) {
        happen(phase, name);
      }
      const result = original.apply(fs, args);
      if (name === 'openSync') names.set(result as number, path);
      if (path.endsWith('-install.journal') && (name === 'rmSync' || name === 'unlinkSync')) isInstalling = false;
      return result;
    };
    (fs as unknown as Record<string, unknown>)[name] = replacement;
  }
  syncBuiltinESMExports();

  function phasesOf(path: string): FaultPhase[] {
    const phases: FaultPhase[] = [];
    if (path.endsWith('-install.journal')) phases.push('journal');
    if (isInstalling) phases.push('install');
    else if (/\/(bundle\.tar|deployment-archive-temp)/.test(path)) phases.push('download');
    return phases;
  }

  function happen(phase: FaultPhase, name: string): void {
    const fault = readFault();
    // Counting begins with the fault's arrival: the same executor carries out deployments that nothing happens to.
    counts[phase] = fault === null ? 0 : counts[phase] + 1;
    if (fault === null || fault.phase !== phase || fault.call !== counts[phase]) return;
    real.rmSync(file);
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
      return JSON.parse(real.readFileSync(file, 'utf8')) as Fault;
    } catch {
      return null;
    }
  }
}
