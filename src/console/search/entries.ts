/** Results of the search, as the page lists them. Pure. */
import type { FoundResource } from '../../protocol/management/shapes.ts';
import type { Place } from '../routing/places.ts';
import { revisionName, revisionPlace, revisionText } from '../view/deployments.ts';

export const KINDS = ['Application', 'Group', 'Deployment', 'Host', 'Revision'] as const;

export interface Entry {
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
  /** Detail that tells the result from others of the same name. */
  readonly detail: string;
  readonly place: Place;
}

export function entriesOf(resources: readonly FoundResource[]): Entry[] {
  return resources.map(entryOf);
}

function entryOf(resource: FoundResource): Entry {
  switch (resource.kind) {
    case 'Application': {
      const { name } = resource;
      return { kind: 'Application', name, detail: '', place: { page: 'application', application: name } };
    }
    case 'DeploymentGroup': {
      const { name, applicationName: application } = resource;
      return { kind: 'Group', name, detail: application, place: { page: 'group', application, group: name } };
    }
    case 'Deployment': {
      const { name, applicationName, deploymentGroupName, status } = resource;
      const detail = `${applicationName}/${deploymentGroupName}, ${status}`;
      return { kind: 'Deployment', name, detail, place: { page: 'deployment', id: name, target: null } };
    }
    case 'Host':
      return { kind: 'Host', name: resource.name, detail: '', place: { page: 'host', name: resource.name } };
    case 'Revision': {
      const { applicationName: application, revision } = resource;
      const detail = `${application}, ${revisionText(revision)}`;
      return { kind: 'Revision', name: revisionName(revision), detail, place: revisionPlace(application, revision) };
    }
  }
}
