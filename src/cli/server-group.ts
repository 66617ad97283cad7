/** Which deployment group of a control server a person means: by its name, APPLICATION/GROUP or id. */
import type { Command } from 'commander';
import { nearNames } from '../appspec/suggest.ts';
import { SlipwayError } from '../errors.ts';
import type { ManagementClient } from '../protocol/management/client.ts';
import { printable } from '../system/printable.ts';
import { collectPages } from './paging.ts';

export interface ServerGroup {
  readonly applicationName: string;
  readonly deploymentGroupName: string;
}

export interface ServerGroupOptions {
  readonly application?: string;
}

export const SERVER_GROUP_ARGUMENT = 'deployment group: name, APPLICATION/GROUP or id';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function addApplicationOption(command: Command): Command {
  return command.option('--application <name>', 'the application, where the group’s name alone is not enough');
}

/**
 * Finds the group. An application and a plain name are taken as they are; anything else is looked up.
 *
 * @throws SlipwayError CLI_BAD_ARGUMENT when no group is called that, or several are
 */
export async function findServerGroup(
  client: ManagementClient,
  text: string,
  { application }: ServerGroupOptions,
): Promise<ServerGroup> {
  if (application !== undefined && !text.includes('/') && !ID.test(text)) {
    return { applicationName: application, deploymentGroupName: text };
  }
  const groups = await groupsOf(client, application);
  const called = groups.filter((group) => group.deploymentGroupName === text || pathOf(group) === text);
  const found = called.length > 0 || !ID.test(text) ? called : await withId(client, groups, text);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (found.length > 1) {
    throw new SlipwayError(
      'CLI_BAD_ARGUMENT',
      `several deployment groups are called '${text}': ${listOf(found.map(pathOf))}`,
      {
        remedy: 'Name one of them as APPLICATION/GROUP, or add --application.',
      },
    );
  }
  const where = application === undefined ? '' : ` in the application '${application}'`;
  throw new SlipwayError('CLI_BAD_ARGUMENT', `no deployment group is called '${text}'${where}`, {
    remedy: groups.length === 0 ? 'Create it: slipway groups create.' : whichThereAre(text, groups.map(pathOf)),
  });
}

const MAX_LISTED = 10;

/** Near ones first; a name counts with its application and without. */
function whichThereAre(text: string, paths: readonly string[]): string {
  const nameOf = (path: string) => path.slice(path.indexOf('/') + 1);
  const near = nearNames(text, [...paths, ...new Set(paths.map(nameOf))]);
  const meant = paths.filter((path) => near.includes(path) || near.includes(nameOf(path)));
  const all = `There are: ${listOf(paths)}.`;
  return meant.length === 0 ? all : `Did you mean ${meant.map(printable).join(' or ')}? ${all}`;
}

function listOf(paths: readonly string[]): string {
  const sorted = [...paths].sort().map(printable);
  const more = sorted.length - MAX_LISTED;
  return more > 0 ? `${sorted.slice(0, MAX_LISTED).join(', ')} and ${more} more` : sorted.join(', ');
}

function pathOf({ applicationName, deploymentGroupName }: ServerGroup): string {
  return `${applicationName}/${deploymentGroupName}`;
}

/** All groups of an application, or of all applications. */
export async function groupsOf(client: ManagementClient, application: string | undefined): Promise<ServerGroup[]> {
  const applications =
    application === undefined
      ? await collectPages(
          (nextToken) => client.call('ListApplications', nextToken === undefined ? {} : { nextToken }),
          (page) => page.applications,
        )
      : [application];
  const groups: ServerGroup[] = [];
  for (const applicationName of applications) {
    const names = await collectPages(
      (nextToken) =>
        client.call('ListDeploymentGroups', { applicationName, ...(nextToken === undefined ? {} : { nextToken }) }),
      (page) => page.deploymentGroups,
    );
    groups.push(...names.map((deploymentGroupName) => ({ applicationName, deploymentGroupName })));
  }
  return groups;
}

async function withId(
  client: ManagementClient,
  groups: readonly ServerGroup[],
  id: string,
): Promise<readonly ServerGroup[]> {
  for (const group of groups) {
    const { deploymentGroupInfo } = await client.call('GetDeploymentGroup', group);
    if (deploymentGroupInfo?.deploymentGroupId === id) return [group];
  }
  return [];
}
