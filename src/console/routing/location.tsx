/** The address of the page as a place, and links that change it without a load. */
import Link from '@cloudscape-design/components/link';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { addressOf, type Place, placeAt } from './places.ts';

interface Location {
  readonly place: Place;
  readonly go: (place: Place, how?: 'push' | 'replace') => void;
}

const LocationContext = createContext<Location | null>(null);

export function LocationProvider({ children }: { readonly children: ReactNode }) {
  const [address, setAddress] = useState(() => window.location.pathname + window.location.search);
  useEffect(() => {
    const onMove = () => setAddress(window.location.pathname + window.location.search);
    window.addEventListener('popstate', onMove);
    return () => window.removeEventListener('popstate', onMove);
  }, []);
  const go = useCallback((place: Place, how: 'push' | 'replace' = 'push') => {
    const next = addressOf(place);
    if (how === 'push') window.history.pushState(null, '', next);
    else window.history.replaceState(null, '', next);
    setAddress(next);
    if (how === 'push') window.scrollTo(0, 0);
  }, []);
  const location = useMemo(() => {
    const [path = '', query = ''] = address.split('?', 2);
    return { place: placeAt(path, query), go };
  }, [address, go]);
  return <LocationContext value={location}>{children}</LocationContext>;
}

export function useLocation(): Location {
  const location = useContext(LocationContext);
  if (location === null) throw new Error('there is no address here');
  return location;
}

/** A link to a page of the console. With Ctrl and the like the browser opens it by itself. */
export function PlaceLink({ to, children }: { readonly to: Place; readonly children: ReactNode }) {
  const { go } = useLocation();
  return (
    <Link
      href={addressOf(to)}
      onFollow={(event) => {
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </Link>
  );
}
