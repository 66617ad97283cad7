/** The console: signed out, the sign-in; signed in, the navigation around the page that the address names. */
import AppLayout from '@cloudscape-design/components/app-layout';
import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import TopNavigation, { type TopNavigationProps } from '@cloudscape-design/components/top-navigation';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { reachOf } from '../protocol/management/key-scope.ts';
import type { Refusal } from './api/call.ts';
import { findSession, type Session, signOut } from './api/session.ts';
import { type SessionAtHand, SessionContext, useSession } from './api/session-context.ts';
import { refusalOf } from './api/use-data.ts';
import { PageOf } from './pages/page-of.tsx';
import { LocationProvider, useLocation } from './routing/location.tsx';
import { ALL_HOSTS, addressOf, type Place, placeAt } from './routing/places.ts';
import { Search, useSlash } from './search/search.tsx';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { Problem } from './view/problem.tsx';
import { type Theme, useTheme } from './view/theme.ts';
import { NowProvider } from './view/time.tsx';

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [notice, setNotice] = useState<string | null>(null);
  const [problem, setProblem] = useState<Refusal | null>(null);
  const [isKnown, setKnown] = useState(false);
  const { theme, nextTheme } = useTheme();
  const look = useCallback(() => {
    findSession().then(
      (found) => {
        setSession(found);
        setProblem(null);
        setKnown(true);
      },
      (error: unknown) => setProblem(refusalOf(error)),
    );
  }, []);
  useEffect(look, [look]);
  const leave = useCallback((why: string) => {
    setNotice(why);
    setSession(null);
  }, []);
  const atHand = useMemo<SessionAtHand | null>(() => {
    if (session === null) return null;
    const operations = new Set<string>(session.operations);
    const onSignedOut = () => leave('Your session has ended. Sign in to go on where you were.');
    const reach = reachOf(session.scope ?? null);
    return { session, may: (operation) => operations.has(operation), reach, onSignedOut };
  }, [session, leave]);

  if (problem !== null)
    return <Problem what="The server cannot be asked who is signed in" problem={problem} onRetry={look} />;
  if (!isKnown) return null;
  if (atHand === null) {
    return (
      <SignInPage
        notice={notice}
        onSignedIn={() => {
          setNotice(null);
          look();
        }}
      />
    );
  }
  return (
    <SessionContext value={atHand}>
      <NowProvider>
        <LocationProvider>
          <Frame theme={theme} onTheme={nextTheme} onLeave={() => leave('You have signed out.')} />
        </LocationProvider>
      </NowProvider>
    </SessionContext>
  );
}

interface FrameProps {
  readonly theme: Theme;
  readonly onTheme: () => void;
  readonly onLeave: () => void;
}

function Frame({ theme, onTheme, onLeave }: FrameProps) {
  const { place, go } = useLocation();
  const { session, may } = useSession();
  const [isSearching, setSearching] = useState(false);
  useSlash(() => setSearching(true));
  const follow = (event: CustomEvent<{ href?: string | undefined; external?: boolean | undefined }>) => {
    const { href = '' } = event.detail;
    const [path = '', query = ''] = href.split('?', 2);
    event.preventDefault();
    go(placeAt(path, query));
  };
  const leave = (which: 'this' | 'all') => signOut(which).then(onLeave, onLeave);
  const utilities: TopNavigationProps.Utility[] = [
    { type: 'button', iconName: 'search', text: 'Search (/)', ariaLabel: 'Search', onClick: () => setSearching(true) },
    { type: 'button', text: `Theme: ${theme}`, ariaLabel: `Theme: ${theme}. Change it`, onClick: onTheme },
    {
      type: 'menu-dropdown',
      iconName: 'user-profile',
      text: session.name ?? session.accessKeyId,
      description: `Role ${session.role}${session.scope === undefined ? '' : ', for some applications only'}`,
      items: [
        { id: 'this', text: 'Sign out' },
        { id: 'all', text: 'Sign out everywhere' },
      ],
      onItemClick: ({ detail }) => void leave(detail.id === 'all' ? 'all' : 'this'),
    },
  ];
  return (
    <>
      <div id="top">
        <TopNavigation
          identity={{ href: addressOf({ page: 'dashboard' }), title: 'Slipway', onFollow: follow }}
          utilities={utilities}
          i18nStrings={{ overflowMenuTriggerText: 'More', overflowMenuTitleText: 'All' }}
        />
      </div>
      {isSearching ? <Search onEnd={() => setSearching(false)} /> : null}
      <AppLayout
        headerSelector="#top"
        toolsHide
        navigation={
          <SideNavigation
            header={{ href: addressOf({ page: 'dashboard' }), text: `Slipway ${session.serverVersion}` }}
            activeHref={addressOf(chapterOf(place))}
            items={itemsFor(may)}
            onFollow={follow}
          />
        }
        ariaLabels={{
          navigation: 'Pages',
          navigationToggle: 'Show the pages',
          navigationClose: 'Hide the pages',
        }}
        content={<PageOf place={place} />}
      />
    </>
  );
}

/** The entry of the navigation that a page belongs to. */
function chapterOf(place: Place): Place {
  switch (place.page) {
    case 'application':
    case 'group':
    case 'new-group':
    case 'edit-group':
      return { page: 'applications' };
    case 'deployment':
    case 'deployments':
      return { page: 'deployments', filter: { application: null, group: null, status: null } };
    case 'host':
    case 'hosts':
      return ALL_HOSTS;
    case 'revisions':
    case 'revision':
      return { page: 'revisions', application: null };
    case 'audit':
      return { page: 'audit', filter: { actor: null, operation: null, application: null } };
    default:
      return place;
  }
}

function itemsFor(may: SessionAtHand['may']): SideNavigationProps.Item[] {
  const link = (text: string, place: Place): SideNavigationProps.Item => ({
    type: 'link',
    text,
    href: addressOf(chapterOf(place)),
  });
  return [
    link('Dashboard', { page: 'dashboard' }),
    link('Deployments', { page: 'deployments', filter: { application: null, group: null, status: null } }),
    link('Applications', { page: 'applications' }),
    link('Configurations', { page: 'configs' }),
    ...(may('DescribeHosts') ? [link('Hosts', ALL_HOSTS)] : []),
    link('Revisions', { page: 'revisions', application: null }),
    ...(may('ListAccessKeys') ? [link('Keys and tokens', { page: 'keys' })] : []),
    ...(may('DescribeServerSettings') ? [link('Settings', { page: 'settings' })] : []),
    ...(may('ListAuditEntries')
      ? [link('Audit log', { page: 'audit', filter: { actor: null, operation: null, application: null } })]
      : []),
  ];
}
