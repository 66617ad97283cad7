/** The columns of the reports about revisions and hosts. */
import type {
  HostHistoryRecord,
  HostRevisionRecord,
  MadeBy,
  RevisionHistoryRecord,
} from '../../protocol/management/shapes.ts';
import { renderLocation } from '../revision-arguments.ts';
import { type Column, timeColumn } from './report.ts';

interface OfGroup {
  readonly applicationName: string;
  readonly deploymentGroupName: string;
}

/** In the table application and group share a column. */
const GROUP: readonly Column<OfGroup>[] = [
  {
    ...{ name: 'application', heading: 'GROUP' },
    value: ({ applicationName }) => applicationName,
    shown: ({ applicationName, deploymentGroupName }) => `${applicationName}/${deploymentGroupName}`,
  },
  { name: 'group', heading: null, value: ({ deploymentGroupName }) => deploymentGroupName },
];

/** In the table: what is said of the key, else the key, else the creator. */
const MADE_BY: readonly Column<MadeBy>[] = [
  {
    ...{ name: 'by', heading: 'BY' },
    value: ({ actor }) => actor ?? '',
    shown: ({ actor, actorDescription, creator }) => actorDescription || actor || creator,
  },
  { name: 'byDescription', heading: null, value: ({ actorDescription }) => actorDescription ?? '' },
  { name: 'creator', heading: null, value: ({ creator }) => creator },
];

export const REVISION_HISTORY: readonly Column<RevisionHistoryRecord>[] = [
  timeColumn('deployed', 'DEPLOYED (UTC)', ({ createTime }) => createTime),
  ...GROUP,
  { name: 'revision', heading: 'REVISION', value: ({ revision }) => renderLocation(revision) },
  ...MADE_BY,
  { name: 'deployment', heading: 'DEPLOYMENT', value: ({ deploymentId }) => deploymentId },
  { name: 'status', heading: 'STATUS', value: ({ status }) => status },
  timeColumn('ended', null, ({ completeTime }) => completeTime),
  { name: 'hosts', heading: 'HOSTS', value: ({ hosts }) => `${totalOf(hosts)}` },
  { name: 'hostsSucceeded', heading: 'SUCCEEDED', value: ({ hosts }) => `${hosts['Succeeded'] ?? 0}` },
  { name: 'hostsFailed', heading: 'FAILED', value: ({ hosts }) => `${hosts['Failed'] ?? 0}` },
  { name: 'hostsNow', heading: 'ON NOW', value: ({ hostsNow }) => `${hostsNow}` },
];

export const HOST_HISTORY: readonly Column<HostHistoryRecord>[] = [
  timeColumn('deployed', 'DEPLOYED (UTC)', ({ createTime }) => createTime),
  { name: 'host', heading: 'HOST', value: ({ instanceName }) => instanceName },
  ...GROUP,
  { name: 'revision', heading: 'REVISION', value: ({ revision }) => renderLocation(revision) },
  ...MADE_BY,
  { name: 'deployment', heading: 'DEPLOYMENT', value: ({ deploymentId }) => deploymentId },
  { name: 'status', heading: 'STATUS', value: ({ status }) => status },
  timeColumn('statusSince', null, ({ statusTime }) => statusTime),
  { name: 'fleet', heading: null, value: ({ fleet = '' }) => fleet },
  { name: 'onHostNow', heading: 'ON NOW', value: ({ isOnHostNow }) => (isOnHostNow ? 'yes' : 'no') },
];

export const HOST_REVISIONS: readonly Column<HostRevisionRecord>[] = [
  { name: 'host', heading: 'HOST', value: ({ instanceName }) => instanceName },
  ...GROUP,
  {
    ...{ name: 'revision', heading: 'REVISION' },
    value: ({ revision }) => (revision === undefined ? '' : renderLocation(revision)),
    shown: ({ revision }) => (revision === undefined ? 'unknown' : renderLocation(revision)),
  },
  timeColumn('since', 'SINCE (UTC)', ({ sinceTime }) => sinceTime),
  { name: 'health', heading: 'HEALTH', value: ({ health }) => health },
];

function totalOf(hosts: Readonly<Record<string, number>>): number {
  return Object.values(hosts).reduce((sum, count) => sum + count, 0);
}
