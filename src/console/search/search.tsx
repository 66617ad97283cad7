/** The search that `/` opens anywhere: type, choose with the arrow keys, go with Enter. */
import Autosuggest, { type AutosuggestProps } from '@cloudscape-design/components/autosuggest';
import Modal from '@cloudscape-design/components/modal';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useSession } from '../api/session-context.ts';
import { useData } from '../api/use-data.ts';
import { useLocation } from '../routing/location.tsx';
import { addressOf, type Place, placeAt } from '../routing/places.ts';
import { Problem } from '../view/problem.tsx';
import { find, type Kind } from './find.ts';
import { loadIndex } from './load-index.ts';

const MOST_FOUND = 50;
const DEPLOYMENT_ID = /^d-[a-z0-9]{9}$/i;
const GROUPS: readonly Kind[] = ['Application', 'Group', 'Deployment', 'Host', 'Revision'];

/** Calls back when `/` is pressed outside of a field. */
export function useSlash(onSlash: () => void): void {
  const latest = useRef(onSlash);
  latest.current = onSlash;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping =
        event.target instanceof HTMLElement && event.target.matches('input, textarea, select, [contenteditable]');
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

export function Search({ onEnd }: { readonly onEnd: () => void }) {
  const { may } = useSession();
  const { go } = useLocation();
  const [text, setText] = useState('');
  const input = useRef<AutosuggestProps.Ref>(null);
  const index = useData('search', (signal) => loadIndex(may('DescribeHosts'), signal));
  useEffect(() => {
    // The dialog takes the focus when it opens; the field has it after that.
    const frame = requestAnimationFrame(() => input.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const options = useMemo(() => optionsFor(text, index.data ?? []), [text, index.data]);
  const open = (value: string) => {
    const place = placeOfKey(value);
    if (place === null) return;
    onEnd();
    go(place);
  };
  return (
    <Modal visible header="Search" closeAriaLabel="Close" onDismiss={onEnd}>
      <Problem what="The search cannot look at everything" problem={index.problem} onRetry={index.reload} />
      <Autosuggest
        ref={input}
        value={text}
        options={options}
        filteringType="manual"
        statusType={index.data === null && index.problem === null ? 'loading' : 'finished'}
        loadingText="Loading names"
        empty={text === '' ? 'Type a part of a name' : 'Nothing has this in its name'}
        ariaLabel="Search applications, groups, deployments, hosts and revisions"
        placeholder="Applications, groups, deployments, hosts, revisions"
        enteredTextLabel={(value) => `Search: ${value}`}
        hideEnteredTextOption
        expandToViewport
        onChange={({ detail }) => setText(textFor(detail.value))}
        onSelect={({ detail }) => open(detail.value)}
        onKeyDown={({ detail }) => {
          if (detail.key === 'Enter' && DEPLOYMENT_ID.test(text.trim())) open(keyOf(deploymentAt(text)));
        }}
      />
    </Modal>
  );
}

function optionsFor(text: string, index: Parameters<typeof find>[0]): AutosuggestProps.Options {
  const found = find(index, text, MOST_FOUND);
  const groups = GROUPS.map((kind) => ({
    label: `${kind}s`,
    options: found
      .filter((entry) => entry.kind === kind)
      .map(({ name, detail, place }, at) => ({ value: keyOf(place, at), label: name, description: detail })),
  }));
  return groups.filter(({ options }) => options.length > 0);
}

function deploymentAt(text: string): Place {
  return { page: 'deployment', id: `d-${text.trim().slice(2).toUpperCase()}`, target: null };
}

/** An option is known by its address; several revisions have the same one. */
function keyOf(place: Place, at = 0): string {
  return `${addressOf(place)} ${at}`;
}

function placeOfKey(value: string): Place | null {
  const [address = ''] = value.split(' ');
  const [path = '', query = ''] = address.split('?', 2);
  const place = placeAt(path, query);
  return place.page === 'unknown' ? null : place;
}

/** The field must not show an address for the moment between a choice and the page. */
function textFor(value: string): string {
  return value.startsWith('/console/') ? '' : value;
}
