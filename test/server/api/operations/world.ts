/** World that the table of operations is run against: a server with something of everything. */
import { createManagementClient, type ManagementClient } from '../../../../src/protocol/management/client.ts';
import type { ManagementOperation } from '../../../../src/protocol/management/shapes.ts';
import { openStore, type Store } from '../../../../src/server/store/store.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { handDrivenHost } from '../../../support/hand-driven-host.ts';
import { scratchFolder } from '../../../support/scratch.ts';
import { suiteLocation } from '../../../support/suite-database.ts';
import { type TestServer, testServer } from '../../../support/test-server.ts';

export const ROLE = 'arn:aws:iam::000000000000:role/any';
export const SESSION = 'arn:aws:sts::000000000000:assumed-role/web';
const TAKEN_SESSION = `${SESSION}/web-3`;
export const USER = 'arn:aws:iam::000000000000:user';
export const S3 = { revisionType: 'S3', s3Location: { bucket: 'revisions', key: 'site.zip', bundleType: 'zip' } };

/** The application is `site`. Its groups: `web`, `ready` and `ending` have one host and are deployed to; `idle` and `unstarted` have none. The application `fn` is one of Lambda. */
export interface World extends AsyncDisposable {
  readonly server: TestServer;
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly hostArn: string;
  /** A deployment that runs, to the instance `web-1`. */
  readonly running: string;
  /** One that has failed, since its group has no hosts. */
  readonly completed: string;
  /** One whose targets are not known yet. */
  readonly unstarted: string;
  /** One that runs, and whose group was deleted. */
  readonly orphaned: string;
  /** Blue/green ones: the first is Ready, the second waits before its original hosts are terminated. */
  readonly ready: string;
  readonly ending: string;
  /** One to Lambda: the hook `hook-0` has answered, and `hook-1` is waited for. */
  readonly hooked: string;
  call(operation: ManagementOperation, input: object): Promise<Record<string, unknown>>;
  /** The server's database. */
  readonly store: Store;
  /** Everything that is in the database, as text. */
  kept(): Promise<string>;
}

export async function createWorld(): Promise<World> {
  const scratch = scratchFolder();
  const server = await testServer(scratch.at('data'));
  const key = await server.key('admin');
  const client = createManagementClient({
    ...{ endpoint: server.url, region: 'us-east-1', clock: systemClock },
    credentials: async () => key,
  });
  const call: World['call'] = async (operation, input) =>
    (await client.call(operation, input as never)) as Record<string, unknown>;
  const deployments = await furnish(server, client, call);
  const store = await openStore(suiteLocation(scratch.at('data')));
  await pretendUnstarted(store, deployments.unstarted);
  await pretendBlueGreen(store, deployments);
  await pretendHooked(store, deployments.hooked);
  return {
    ...{ server, key, call, store, ...deployments },
    kept: () => readAll(store),
    async [Symbol.asyncDispose]() {
      await store.close();
      await server[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

async function furnish(server: TestServer, client: ManagementClient, call: World['call']) {
  const { hostArn } = await handDrivenHost(server.url, client, 'web-1', 'web');
  await call('CreateApplication', { applicationName: 'site', tags: [{ Key: 'Team', Value: 'a' }] });
  await call('CreateApplication', { applicationName: 'other' });
  const mine = { tokenName: 'mine', url: 'https://github.com/acme', applications: ['nobody'], token: 'ghp_x' };
  await call('PutGitToken', mine);
  await call('CreateDeploymentConfig', {
    deploymentConfigName: 'used',
    minimumHealthyHosts: { type: 'HOST_COUNT', value: 0 },
  });
  await call('RegisterApplicationRevision', { applicationName: 'site', revision: S3 });
  await call('RegisterOnPremisesInstance', { instanceName: 'web-3', iamSessionArn: TAKEN_SESSION });
  const start = async (deploymentGroupName: string, hasHost: boolean): Promise<string> => {
    const group = { applicationName: 'site', deploymentGroupName };
    const filters = [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }];
    await call('CreateDeploymentGroup', {
      ...{ ...group, serviceRoleArn: ROLE, deploymentConfigName: 'used' },
      ...(hasHost ? { onPremisesInstanceTagFilters: filters } : {}),
    });
    const { deploymentId } = await call('CreateDeployment', { ...group, revision: S3 });
    return String(deploymentId);
  };
  await call('CreateDeploymentGroup', { applicationName: 'site', deploymentGroupName: 'spare', serviceRoleArn: ROLE });
  const running = await start('web', true);
  const orphaned = await start('deleted', true);
  const [completed, unstarted] = [await start('idle', false), await start('unstarted', false)];
  const [ready, ending] = [await start('ready', true), await start('ending', true)];
  const hooked = await start('hooked', true);
  const lambda = { applicationName: 'fn' };
  await call('CreateApplication', lambda);
  await call('CreateDeploymentGroup', { ...lambda, deploymentGroupName: 'live', serviceRoleArn: ROLE });
  await call('DeleteDeploymentGroup', { applicationName: 'site', deploymentGroupName: 'deleted' });
  return { hostArn, running, orphaned, completed, unstarted, ready, ending, hooked };
}

/** Between CreateDeployment and its first step there is no time for a test. The engine has done with this one. */
async function pretendUnstarted({ db }: Store, deploymentId: string): Promise<void> {
  await db.updateTable('deployments').set({ status: 'Created' }).where('deployment_id', '=', deploymentId).execute();
}

/** Their one host is a replacement: it is installed, or serves already. */
async function pretendBlueGreen({ db }: Store, { ready, ending }: Pick<World, 'ready' | 'ending'>): Promise<void> {
  const hourMs = 3_600_000;
  const [now, ids] = [Date.now(), [ready, ending]];
  const blueGreen = { course: 'blue-green', greenFilterLists: [], readyWaitMs: hourMs, terminationWaitMs: hourMs };
  const settings_json = JSON.stringify({ filterLists: [], rollbackEvents: [], loadBalancerInfo: {}, blueGreen });
  const waits = { settings_json, ready_at_ms: now, wake_at_ms: now + hourMs };
  await db.updateTable('deployments').set(waits).where('deployment_id', 'in', ids).execute();
  await db.updateTable('deployments').set({ status: 'Ready' }).where('deployment_id', '=', ready).execute();
  const rerouted = { continued_at_ms: now, termination_wait_at_ms: now };
  await db.updateTable('deployments').set(rerouted).where('deployment_id', '=', ending).execute();
  const installed = { label: 'green', installed_at_ms: now } as const;
  for (const id of ids) {
    const status = id === ready ? 'Ready' : 'Succeeded';
    await db
      .updateTable('targets')
      .set({ ...installed, status })
      .where('deployment_id', '=', id)
      .execute();
    const over = { status: 'Succeeded', ready_at_ms: now, ended_at_ms: now } as const;
    await db.updateTable('lifecycle_events').set(over).where('deployment_id', '=', id).execute();
  }
}

/** The server asks no AWS, so that the application `fn` and the deployment become those of Lambda here. */
async function pretendHooked({ db }: Store, deploymentId: string): Promise<void> {
  await db
    .updateTable('applications')
    .set({ compute_platform: 'Lambda' })
    .where('application_name', '=', 'fn')
    .execute();
  const now = Date.now();
  const shifted = { platform: 'Lambda', schedule: { steps: [100], intervalMs: 0 } };
  const settings_json = JSON.stringify({ filterLists: [], rollbackEvents: [], loadBalancerInfo: null, shifted });
  const waits = { settings_json, wake_at_ms: now + 3_600_000 };
  await db.updateTable('deployments').set(waits).where('deployment_id', '=', deploymentId).execute();
  const details_json = JSON.stringify({ functionName: 'fn', functionAlias: 'live' });
  const target = { details_json, host_arn: '', status: 'InProgress' } as const;
  await db.updateTable('targets').set(target).where('deployment_id', '=', deploymentId).execute();
  const events = db.updateTable('lifecycle_events').where('deployment_id', '=', deploymentId);
  const over = {
    status: 'Succeeded',
    ready_at_ms: now,
    started_at_ms: now,
    ended_at_ms: now,
    reported_at_ms: now,
  } as const;
  await events.set({ ...over, host_arn: '', host_command_id: null }).execute();
  const names = ['BeforeAllowTraffic', 'AllowTraffic', 'AfterAllowTraffic'];
  for (const [position, event_name] of names.entries()) {
    const hook = event_name === 'AllowTraffic' ? {} : { host_command_id: position === 0 ? 'hook-0' : 'hook-1' };
    const waited = position === 2 ? ({ status: 'InProgress', ended_at_ms: null, reported_at_ms: null } as const) : {};
    await events
      .set({ event_name, ...hook, ...waited })
      .where('position', '=', position)
      .execute();
  }
}

/** Rows in an order of their own, since a database has none. */
async function readAll({ db }: Store): Promise<string> {
  const tables = await db.introspection.getTables();
  const texts = tables.map(async ({ name }) => {
    const rows = await db
      .selectFrom(name as 'deployments')
      .selectAll()
      .execute();
    return [name, ...rows.map((row) => JSON.stringify(row)).sort()].join('\n');
  });
  return (await Promise.all(texts)).sort().join('\n');
}
