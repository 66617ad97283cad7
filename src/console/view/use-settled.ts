import { useEffect, useState } from 'react';

/** Somebody who types on is not asked for each letter. */
const PAUSE_MS = 120;

/** The text once nobody has changed it for a moment. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
