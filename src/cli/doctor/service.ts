/** Judges the state of the agent's service. Pure. */
import type { Properties } from '../service/properties.ts';
import { type Finding, fail, ok, warn } from './check.ts';

export interface ServiceFacts {
  readonly name: string;
  readonly properties: Properties;
  /** How long its process has run, milliseconds; null: none runs, or nobody knows. */
  readonly ageMs: number | null;
  /** Last output of the service; empty: none. */
  readonly lastWords: string;
  /** Command that installs its unit. */
  readonly install: string;
}

/** A service that was started again so often, and has not run for long since, ends again and again. */
const MANY_RESTARTS = 3;
const SETTLED_MS = 60_000;

/** How systemd itself fails before the program has begun. @see systemd.exec(5), process exit codes */
const START_FAULTS: Readonly<Record<string, (facts: ServiceFacts) => string>> = {
  '200': () => 'WorkingDirectory= of the unit does not exist: correct it, or make the folder.',
  '203': ({ install }) =>
    `The program behind ExecStart= is not there or cannot be run: install Slipway again, then \`${install}\`.`,
  '216': () => 'Group= of the unit names a group that does not exist: make it, or correct the unit.',
  '217': () => 'User= of the unit names a user that does not exist: make it, or correct the unit.',
  '226': () =>
    'A folder that the unit names (ReadWritePaths=, StateDirectory= and their like) is missing or cannot be mounted.',
  '238': () => 'StateDirectory= cannot be made: look at the disk and the mount of /var/lib.',
};

export function judgeService(facts: ServiceFacts): Finding[] {
  return [stateOf(facts), ...atBoot(facts), ...unitChanged(facts)];
}

function stateOf(facts: ServiceFacts): Finding {
  const { name, properties, ageMs, install } = facts;
  const { LoadState, ActiveState, SubState = '' } = properties;
  const restarts = Number(properties['NRestarts'] ?? 0);
  if (LoadState === 'masked') {
    return fail(
      'service',
      `${name} is masked`,
      `Ask who masked it, and why; then \`systemctl unmask ${name} && systemctl enable --now ${name}\`.`,
    );
  }
  if (LoadState === 'bad-setting' || LoadState === 'error') {
    return fail('service', `its unit cannot be used (${LoadState})`, `Write it anew: \`${install}\`.`);
  }
  const isShort = ageMs === null || ageMs < SETTLED_MS;
  const endsAgain = /^auto-restart/.test(SubState) || (isShort && restarts >= MANY_RESTARTS);
  if (endsAgain) {
    const detail = `${name} ends again and again: ${restarts} restarts, ${endOf(properties)}`;
    return fail('service', withWords(detail, facts), remedyOfEnd(facts));
  }
  if (ActiveState === 'failed') {
    const remedy = `${remedyOfEnd(facts)} Then \`systemctl start ${name}\`.`;
    return fail('service', withWords(`${name} has ended: ${endOf(properties)}`, facts), remedy);
  }
  if (ActiveState === 'inactive' || ActiveState === 'deactivating') {
    return fail('service', `${name} does not run: it was stopped`, `Start it: \`systemctl start ${name}\`.`);
  }
  if (ActiveState === 'activating') {
    return ok('service', `${name} is starting`);
  }
  return ok('service', `${name} runs as PID ${properties['MainPID'] ?? '?'}`);
}

function endOf(properties: Properties): string {
  const { Result = 'unknown', ExecMainStatus = '' } = properties;
  return ExecMainStatus === '' || ExecMainStatus === '0' ? Result : `${Result}, exit status ${ExecMainStatus}`;
}

function remedyOfEnd(facts: ServiceFacts): string {
  const { name, properties } = facts;
  const status = properties['ExecMainStatus'] ?? '';
  const ofStart = Object.hasOwn(START_FAULTS, status) ? START_FAULTS[status] : undefined;
  if (ofStart !== undefined) return ofStart(facts);
  if (properties['Result'] === 'oom-kill') {
    return `The kernel ended it for lack of memory: give the machine more, or raise MemoryMax= of ${name}.`;
  }
  if (properties['Result'] === 'resources') {
    return `systemd could not start it; \`journalctl -u ${name}\` names the file or limit that is missing.`;
  }
  return `Correct what its last words name; \`journalctl -u ${name}\` has all of them.`;
}

function withWords(detail: string, { lastWords }: ServiceFacts): string {
  const last = lastWords.split('\n').slice(-2).join(' | ');
  return last === '' ? detail : `${detail}; its last words: ${last}`;
}

function atBoot({ name, properties }: ServiceFacts): Finding[] {
  if (properties['UnitFileState'] !== 'disabled') return [];
  return [
    warn('service', `${name} does not start with the machine`, `Have it start at boot: \`systemctl enable ${name}\`.`),
  ];
}

function unitChanged({ name, properties }: ServiceFacts): Finding[] {
  if (properties['NeedDaemonReload'] !== 'yes') return [];
  const remedy = `Put it to use: \`systemctl daemon-reload && systemctl restart ${name}\`.`;
  return [warn('service', `the unit of ${name} has changed since systemd read it`, remedy)];
}
