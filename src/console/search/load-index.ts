/** Everything that the key may see, by name, for the search. */
import { allPages, call } from '../api/call.ts';
import { listDeployments } from '../api/deployments.ts';
import { allHosts } from '../api/hosts.ts';
import { allApplications, groupsOf } from '../pages/deployments.tsx';
import { identityOfRevision, revisionName, revisionText } from '../view/deployments.ts';
import { type Entry, type Indexed, indexOf } from './find.ts';

/** The newest ones; older ones are found by their whole ids. */
const MOST_DEPLOYMENTS = 100;
const MOST_REVISIONS = 1_000;

export async function loadIndex(seesHosts: boolean, signal: AbortSignal): Promise<Indexed[]> {
  const names = await allApplications();
  const [ofApplications, hosts, { deployments }] = await Promise.all([
    Promise.all(names.map((name) => entriesOf(name, signal))),
    seesHosts ? allHosts(signal) : [],
    listDeployments({}, MOST_DEPLOYMENTS, signal),
  ]);
  const entries: Entry[] = [
    ...ofApplications.flat(),
    ...hosts.map(({ instanceName: name, tags }): Entry => {
      return {
        kind: 'Host',
        name,
        detail: tags.map(({ Key, Value }) => `${Key}=${Value}`).join(' '),
        place: { page: 'host', name },
      };
    }),
    ...deployments.map(({ deploymentId: id = '', applicationName, deploymentGroupName, status }): Entry => {
      const detail = `${applicationName}/${deploymentGroupName} ${status}`;
      return { kind: 'Deployment', name: id, detail, place: { page: 'deployment', id, target: null } };
    }),
  ];
  return indexOf(entries);
}

async function entriesOf(application: string, signal: AbortSignal): Promise<Entry[]> {
  const revisions = await allPages(
    (token) => call('ListApplicationRevisions', { applicationName: application, ...token }, signal),
    (page) => page.revisions ?? [],
    MOST_REVISIONS,
  );
  const groups = await groupsOf(application);
  const known = new Map(revisions.map((revision) => [identityOfRevision(revision), revision]));
  return [
    { kind: 'Application', name: application, detail: '', place: { page: 'application', application } },
    ...groups.map(
      (group): Entry => ({
        kind: 'Group',
        name: group,
        detail: application,
        place: { page: 'group', application, group },
      }),
    ),
    ...[...known.values()].map(
      (revision): Entry => ({
        kind: 'Revision',
        name: revisionName(revision),
        detail: `${application} ${revisionText(revision)}`,
        place: { page: 'revisions', application },
      }),
    ),
  ];
}
