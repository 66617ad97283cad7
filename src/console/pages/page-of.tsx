/** The page of each place. Pages with forms are loaded when somebody opens one, so that the first load stays small. */
import Alert from '@cloudscape-design/components/alert';
import { lazy, Suspense } from 'react';
import { PlaceLink } from '../routing/location.tsx';
import type { Place } from '../routing/places.ts';
import { Page } from '../view/page.tsx';
import { Application } from './application.tsx';
import { Applications } from './applications.tsx';
import { Audit } from './audit.tsx';
import { Dashboard } from './dashboard.tsx';
import { Deployment } from './deployment/deployment.tsx';
import { Deployments } from './deployments.tsx';
import { Group } from './group.tsx';
import { Host } from './host.tsx';
import { Hosts } from './hosts.tsx';
import { Keys } from './keys.tsx';
import { Revisions } from './revisions.tsx';

const NewGroup = lazy(async () => ({ default: (await import('./group-form/group-form.tsx')).NewGroup }));
const EditGroup = lazy(async () => ({ default: (await import('./group-form/group-form.tsx')).EditGroup }));
const Configs = lazy(async () => ({ default: (await import('./configs/configs.tsx')).Configs }));
const Revision = lazy(async () => ({ default: (await import('./revision/revision.tsx')).Revision }));
const Settings = lazy(async () => ({ default: (await import('./settings.tsx')).Settings }));

export function PageOf({ place }: { readonly place: Place }) {
  return (
    <Suspense fallback={<Page title="Loading">{null}</Page>}>
      <Shown place={place} />
    </Suspense>
  );
}

/** Other things of the same page are shown by a component of their own, so that nothing of one is left in the other. */
function Shown({ place }: { readonly place: Place }) {
  switch (place.page) {
    case 'dashboard':
      return <Dashboard />;
    case 'applications':
      return <Applications />;
    case 'application':
      return <Application key={place.application} application={place.application} />;
    case 'group':
      return <Group key={`${place.application}/${place.group}`} application={place.application} group={place.group} />;
    case 'new-group':
      return <NewGroup key={place.application} application={place.application} />;
    case 'edit-group':
      return (
        <EditGroup key={`${place.application}/${place.group}`} application={place.application} group={place.group} />
      );
    case 'configs':
      return <Configs />;
    case 'settings':
      return <Settings />;
    case 'deployments':
      return <Deployments filter={place.filter} />;
    case 'deployment':
      return <Deployment key={place.id} id={place.id} target={place.target} />;
    case 'hosts':
      return <Hosts filter={place.filter} />;
    case 'host':
      return <Host key={place.name} name={place.name} />;
    case 'keys':
      return <Keys />;
    case 'revision':
      return (
        <Revision
          key={`${place.application} ${place.at}`}
          application={place.application}
          at={place.at}
          group={place.group}
        />
      );
    case 'revisions':
      return <Revisions application={place.application} />;
    case 'audit':
      return <Audit filter={place.filter} />;
    case 'unknown':
      return <Unknown />;
  }
}

function Unknown() {
  return (
    <Page title="No such page">
      <Alert type="warning" header="The console has no page at this address">
        The link may be broken. Begin at the <PlaceLink to={{ page: 'dashboard' }}>dashboard</PlaceLink>, or press / to
        search.
      </Alert>
    </Page>
  );
}
