import type { PlannedChange } from '../../install/types.ts';
import type { HostPlan, PlannedHook } from '../../local/plan-on-host.ts';
import { renderBytes } from '../../revision/progress.ts';
import { printable } from '../../system/printable.ts';
import { renderTable } from './table.ts';

/** In the order in which the groups are shown: a mark, and what a line says beside the path. */
const GROUPS: readonly { readonly change: PlannedChange['change']; readonly mark: string }[] = [
  { change: 'create', mark: '+' },
  { change: 'replace', mark: '~' },
  { change: 'delete', mark: '-' },
  { change: 'save', mark: '!' },
  { change: 'take-over', mark: '!' },
  { change: 'chown', mark: '%' },
  { change: 'chmod', mark: '%' },
  { change: 'touch', mark: '%' },
  { change: 'acl', mark: '%' },
  { change: 'context', mark: '%' },
  { change: 'keep', mark: '=' },
];

/**
 * Writes a plan for a person. Problems come first, then scripts, then what happens to each object, group by group; the last line is a
 * summary.
 *
 * @returns the lines
 */
export function renderHostPlan(plan: HostPlan): string[] {
  const sections = [
    section('first', plan.interrupted === null ? [] : [[interruption(plan.interrupted)]]),
    section(
      'cannot be done',
      plan.problems.map(({ rule, message }) => [`! ${printable(message)} [${rule}]`]),
    ),
    section(
      'to do',
      plan.remedies.map((remedy) => [printable(remedy)]),
    ),
    section('scripts', plan.hooks.map(hookRow)),
    ...GROUPS.map(({ change, mark }) =>
      section(
        change,
        plan.changes
          .filter((one) => one.change === change)
          .map((one) => [`${mark} ${printable(one.path)}${isFolder(one) ? '/' : ''}`, printable(details(one))]),
      ),
    ),
    section(
      'space',
      plan.space.map(({ mountPoint, bytesToWrite, bytesFree }) => [
        `${printable(mountPoint)}`,
        `${renderBytes(bytesToWrite)} to write`,
        `${renderBytes(bytesFree)} free`,
      ]),
    ),
  ];
  return [...sections.filter((lines) => lines.length > 0).flatMap((lines) => [...lines, '']), summary(plan)];
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return [title, ...renderTable(rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]))];
}

function interruption({ deploymentId, outcome }: NonNullable<HostPlan['interrupted']>): string {
  const whose = deploymentId === null ? 'an Install' : `the Install of ${printable(deploymentId)}`;
  const how = outcome === 'completed' ? 'completed' : 'rolled back';
  return `! ${whose} is under way or was cut off; it is ${how} before anything else, and what follows may change with it`;
}

function hookRow({ event, script, revision, runas, sudo, timeoutSeconds }: PlannedHook): string[] {
  const whose = revision === 'this' ? 'this revision' : `revision of ${revision}`;
  const who = [...(runas === null ? [] : [`as ${runas}`]), ...(sudo ? ['with sudo'] : [])].join(' ');
  return [event, printable(script), whose, `${timeoutSeconds} s`, printable(who)];
}

function isFolder(change: PlannedChange): boolean {
  return 'kind' in change && change.kind === 'directory';
}

function details(change: PlannedChange): string {
  switch (change.change) {
    case 'create':
    case 'replace':
      return change.kind === 'symlink' ? 'link' : '';
    case 'delete':
      return change.kind === 'directory' ? 'if it is empty then' : '';
    case 'keep':
      return change.why;
    case 'save':
      return 'changed since the last Install; a copy is kept';
    case 'take-over':
      return `it is this group’s then, and no longer that of ${change.groupName}`;
    case 'touch':
      return new Date(change.mtimeMs).toISOString();
    case 'chmod':
      return change.before === null ? change.mode : `${change.before} → ${change.mode}`;
    case 'chown':
      return `${change.owner ?? ''}:${change.group ?? ''}`;
    case 'acl':
      return change.entries.join(', ');
    case 'context': {
      const { user, type, range } = change.context;
      return [user, type, range].filter((part) => part !== null).join(':');
    }
  }
}

function summary({ deploymentGroupId, outcome, problems, changes, hooks }: HostPlan): string {
  const head = `plan for the deployment group ${deploymentGroupId}`;
  if (outcome === 'impossible') return `${head}: impossible, for ${count(problems.length, 'reason')}`;
  const counts = GROUPS.flatMap(({ change }) => {
    const number = changes.filter((one) => one.change === change).length;
    return number === 0 ? [] : `${number} to ${change}`;
  });
  const scripts = `${count(hooks.length, 'script')} to run`;
  return `${head}: ${outcome === 'unchanged' ? 'Install would change nothing; ' : ''}${[...counts, scripts].join(', ')}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
