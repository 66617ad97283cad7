/** Hosts as pages show them. */
import type { HostRecord } from '../../protocol/management/shapes.ts';
import type { HostsFilter } from '../routing/places.ts';
import { call, type Input } from './call.ts';
import type { ApiPage } from './page-walk.ts';

type Wish = Omit<Input<'DescribeHosts'>, 'nextToken'>;

/** A page of the hosts that fit. */
export async function pageOfHosts(wish: Wish, nextToken?: string, signal?: AbortSignal): Promise<ApiPage<HostRecord>> {
  const token = nextToken === undefined ? {} : { nextToken };
  const answer = await call('DescribeHosts', { ...wish, ...token }, signal);
  return { entries: answer.hosts, nextToken: answer.nextToken, total: answer.hostCount };
}

/** The registered host of a name, else a record of one; null: there is neither. */
export async function hostNamed(instanceName: string, signal?: AbortSignal): Promise<HostRecord | null> {
  const { entries } = await pageOfHosts({ instanceName }, undefined, signal);
  return entries.find(({ registered }) => registered) ?? entries[0] ?? null;
}

/** The filters of an address as a wish. */
export function wishOfHosts({ text, show }: HostsFilter): Wish {
  return {
    ...(text === null ? {} : { text }),
    ...(show === 'attention' ? { needsAttention: true } : {}),
    ...(show === 'registered' ? { registered: true } : {}),
  };
}
