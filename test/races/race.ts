/**
 * Parts of a race: requests that are sent at the same time, and a look at what they have left.
 *
 * Whatever order the server puts the requests in, the outcome must be that of one after the other. A request may be refused in the API's
 * words; it may not fail, and none that was carried out may have no effect.
 */
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { Store } from '../../src/server/store/store.ts';

/** Faults; each is a count. */
export interface Damage {
  /** A request was carried out, and what it has changed is not there. */
  lostUpdates: number;
  /** Something refers to what has been deleted. */
  dangling: number;
  /** There is more of something than the API allows. */
  overLimit: number;
  /** A request was not answered in the API's words. */
  internalFailures: number;
}

export interface RaceContext {
  /** Clients of the servers that share the database, so that neighbours in a list of requests meet in the database. */
  readonly clients: readonly ManagementClient[];
  /** The database itself, to see what no operation shows. */
  readonly store: Store;
  /** A name that nobody else has. */
  name(prefix: string): string;
  readonly damage: Damage;
}

export interface Race {
  /** Requests that are sent at the same time. */
  readonly name: string;
  /** One round. */
  run(ctx: RaceContext): Promise<void>;
}

export type Request = (client: ManagementClient) => Promise<unknown>;

/** End of a request: done, or the name of the exception that refused it. */
export type Ending = 'done' | string;

/** Sends all requests at once and counts those that fail. @returns their endings, in order */
export async function atOnce(ctx: RaceContext, requests: readonly Request[]): Promise<Ending[]> {
  return Promise.all(
    requests.map(async (request, index) => {
      const client = ctx.clients[index % ctx.clients.length];
      if (client === undefined) throw new Error('a race needs a client');
      try {
        await request(client);
        return 'done';
      } catch (error) {
        const type = (error as { readonly type?: unknown }).type;
        if (typeof type !== 'string' || !type.endsWith('Exception')) ctx.damage.internalFailures += 1;
        return typeof type === 'string' ? type : String(error);
      }
    }),
  );
}

export const ROLE = 'arn:aws:iam::000000000000:role/any';

export function revisionOf(key: string) {
  return { revisionType: 'S3' as const, s3Location: { bucket: 'revisions', key, bundleType: 'zip' as const } };
}

/** The first client, for what is done before and after the race. */
export function quietly({ clients }: RaceContext): ManagementClient {
  const [client] = clients;
  if (client === undefined) throw new Error('a race needs a client');
  return client;
}

/** Makes an application with a group. @returns what names the group */
export async function makeGroup(ctx: RaceContext, members: object = {}) {
  const names = { applicationName: ctx.name('app'), deploymentGroupName: 'group' };
  const client = quietly(ctx);
  await client.call('CreateApplication', { applicationName: names.applicationName });
  await client.call('CreateDeploymentGroup', { ...names, serviceRoleArn: ROLE, ...members });
  return names;
}

export function arnOf(resource: string): string {
  return `arn:aws:codedeploy:us-east-1:000000000000:${resource}`;
}
