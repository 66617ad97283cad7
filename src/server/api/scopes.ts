/**
 * Holds a call against what its key is limited to. Names are checked before anything is looked up, so that a limited key does not learn what there
 * is beside its own.
 */
import { ApiError } from '../../protocol/errors.ts';
import { describeScope, type KeyScope, type Reach, reachOf } from '../../protocol/management/key-scope.ts';
import type { ManagementOperation } from '../../protocol/management/shapes.ts';
import { groupsOfDeployments } from '../store/deployments.ts';
import type { StoreReader } from '../store/store.ts';
import type { ApiContext, Caller, Input } from './context.ts';
import { refuseForeignBundles } from './foreign-bundles.ts';
import { readList, readText } from './input.ts';
import { foreignHostChoice } from './own-hosts.ts';
import { permissionFor, type Touched } from './permissions.ts';
import { readResourceArn } from './resource-arn.ts';

/** A thing that a request touches, and its name in a refusal. */
interface Resource {
  readonly name: string;
  isWithin(reach: Reach): boolean;
}

type ScopeContext = Pick<ApiContext, 'region' | 'accountId' | 'server'>;

/**
 * @param input with the members that the operation needs
 * @throws ApiError AccessDeniedException that names the operation, what it touches, and what the key may do
 */
export async function requireWithinScope(
  db: StoreReader,
  ctx: ScopeContext,
  operation: ManagementOperation,
  input: Input,
  { accessKeyId, scope }: Pick<Caller, 'accessKeyId' | 'scope'>,
): Promise<void> {
  if (scope === null) return;
  const denied = (what: string) => accessDenied(accessKeyId, scope, operation, what);
  const permission = permissionFor(operation);
  if (permission === null || permission.touches === 'server')
    throw denied(', which is about what belongs to no application');
  const { touches: touched, changes } = permission;
  const reach = reachOf(scope);
  const resources = touched === 'deployment' ? await groupsOf(db, input) : resourcesOf(ctx, touched, input);
  const foreign = resources.find((resource) => !resource.isWithin(reach));
  if (foreign !== undefined) throw denied(` on ${foreign.name}`);
  const choice = foreignHostChoice(scope, input);
  if (choice !== null) throw denied(` with ${choice}: who chooses hosts runs programs on them`);
  if (changes) refuseForeignBundles(ctx, reach, input, (bundle) => denied(` with ${bundle}`));
}

function accessDenied(accessKeyId: string, scope: KeyScope, operation: string, what: string): ApiError {
  return new ApiError(
    'AccessDeniedException',
    `The key ${accessKeyId} may not call ${operation}${what}. It is limited to ${describeScope(scope)}.`,
    { status: 403 },
  );
}

function resourcesOf(ctx: ScopeContext, touched: Touched, input: Input): readonly Resource[] {
  const applicationName = readText(input, 'applicationName');
  switch (touched) {
    case 'part': {
      const names = [...(applicationName === null ? [] : [applicationName]), ...textsOf(input, 'applicationNames')];
      return names.map(partOf);
    }
    case 'application': {
      // The new name, too: an application must not be moved to where the key reaches nothing, nor over another's name.
      const newName = readText(input, 'newApplicationName');
      return [applicationName ?? '', ...(newName === null ? [] : [newName])].map(wholeApplication);
    }
    case 'group': {
      if (applicationName === null) return [];
      const members = ['deploymentGroupName', 'currentDeploymentGroupName', 'newDeploymentGroupName'];
      const named = members.flatMap((member) => readText(input, member) ?? []);
      const groups = [...named, ...textsOf(input, 'deploymentGroupNames')];
      // An application alone: its groups are listed, of which the key is shown its own.
      if (groups.length === 0) return [partOf(applicationName)];
      return groups.map((group) => groupOf(applicationName, group));
    }
    case 'tagged': {
      const { applicationName: tagged, groupName } = readResourceArn(ctx, input);
      if (groupName !== null) return [groupOf(tagged, groupName)];
      return [
        input['Tags'] === undefined && input['TagKeys'] === undefined ? partOf(tagged) : wholeApplication(tagged),
      ];
    }
    default:
      return [];
  }
}

function partOf(application: string): Resource {
  return { name: `the application ${shown(application)}`, isWithin: (reach) => reach.hasPartOf(application) };
}

function wholeApplication(application: string): Resource {
  const name = `the application ${shown(application)} as a whole`;
  return { name, isWithin: (reach) => reach.hasApplication(application) };
}

function groupOf(application: string, group: string): Resource {
  const name = `the deployment group ${shown(application)}/${shown(group)}`;
  return { name, isWithin: (reach) => reach.hasGroup(application, group) };
}

/** The groups of the deployments that a request names, by their names of now. One that does not exist is the handler's to complain about. */
async function groupsOf(db: StoreReader, input: Input): Promise<readonly Resource[]> {
  const single = readText(input, 'deploymentId');
  const ids = [...(single === null ? [] : [single]), ...textsOf(input, 'deploymentIds')];
  const groups = await groupsOfDeployments(db, ids.slice(0, MAX_IDS));
  return [...groups].map(([id, { applicationName, groupName }]) => ({
    name: `the deployment ${id} of ${shown(applicationName)}/${shown(groupName)}`,
    isWithin: (reach) => reach.hasGroup(applicationName, groupName),
  }));
}

/** More are refused by every operation. */
const MAX_IDS = 100;
/** More of a foreign name is not repeated; characters. */
const MAX_SHOWN = 100;

function shown(name: string): string {
  return name.slice(0, MAX_SHOWN);
}

function textsOf(input: Input, member: string): string[] {
  return (readList(input, member) ?? []).filter((entry) => typeof entry === 'string');
}
