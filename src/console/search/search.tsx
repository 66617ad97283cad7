/** The search that `/` opens anywhere: type, choose with the arrow keys, go with Enter. */
import Autosuggest, { type AutosuggestProps } from '@cloudscape-design/components/autosuggest';
import Modal from '@cloudscape-design/components/modal';
import { useEffect, useMemo, useRef, useState } from 'react';
import { call } from '../api/call.ts';
import { useData } from '../api/use-data.ts';
import { useLocation } from '../routing/location.tsx';
import { addressOf, placeAt } from '../routing/places.ts';
import { Problem } from '../view/problem.tsx';
import { useSettled } from '../view/use-settled.ts';
import { entriesOf, KINDS } from './entries.ts';

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
  const { go } = useLocation();
  const [text, setText] = useState('');
  const asked = useSettled(text.trim());
  const input = useRef<AutosuggestProps.Ref>(null);
  const found = useData(`search ${asked}`, async (signal) =>
    asked === '' ? [] : entriesOf((await call('SearchResources', { text: asked }, signal)).resources),
  );
  useEffect(() => {
    // The dialog takes the focus when it opens; the field has it after that.
    const frame = requestAnimationFrame(() => input.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const options = useMemo(
    () =>
      KINDS.map((kind) => ({
        label: `${kind}s`,
        options: (found.data ?? [])
          .filter((entry) => entry.kind === kind)
          .map(({ name, detail, place }, at) => ({
            value: `${addressOf(place)} ${at}`,
            label: name,
            description: detail,
          })),
      })).filter((group) => group.options.length > 0),
    [found.data],
  );
  const isWaiting = asked !== text.trim() || (found.data === null && found.problem === null);
  return (
    <Modal visible header="Search" closeAriaLabel="Close" onDismiss={onEnd}>
      <Problem what="The search failed" problem={found.problem} onRetry={found.reload} />
      <Autosuggest
        ref={input}
        value={text}
        options={options}
        filteringType="manual"
        statusType={isWaiting ? 'loading' : 'finished'}
        loadingText="Searching"
        empty={text === '' ? 'Type a part of a name' : 'Nothing has this in its name'}
        ariaLabel="Search applications, groups, deployments, hosts and revisions"
        placeholder="Applications, groups, deployments, hosts, revisions"
        enteredTextLabel={(value) => `Search: ${value}`}
        hideEnteredTextOption
        expandToViewport
        // The field must not show an address for the moment between a choice and its page.
        onChange={({ detail }) => setText(detail.value.startsWith('/console/') ? '' : detail.value)}
        onSelect={({ detail }) => {
          const [address = ''] = detail.value.split(' ');
          const [path = '', query = ''] = address.split('?', 2);
          const place = placeAt(path, query);
          if (place.page === 'unknown') return;
          onEnd();
          go(place);
        }}
      />
    </Modal>
  );
}
