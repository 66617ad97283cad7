/** Hosts as pages show them. */
import type { HostRecord } from '../../protocol/management/shapes.ts';
import { allPages, call } from './call.ts';

export async function allHosts(signal?: AbortSignal): Promise<HostRecord[]> {
  return allPages(
    (token) => call('DescribeHosts', token, signal),
    ({ hosts }) => hosts,
  );
}
