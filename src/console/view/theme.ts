/** Light or dark: as the system has it, unless the reader has chosen. */
import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { useEffect, useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const STORED = 'slipway-theme';

export function useTheme(): { readonly theme: Theme; readonly nextTheme: () => void } {
  const [theme, setTheme] = useState<Theme>(
    () => THEMES.find((one) => one === localStorage.getItem(STORED)) ?? 'system',
  );
  useEffect(() => {
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    const apply = () => applyMode(theme === 'dark' || (theme === 'system' && system.matches) ? Mode.Dark : Mode.Light);
    apply();
    localStorage.setItem(STORED, theme);
    system.addEventListener('change', apply);
    return () => system.removeEventListener('change', apply);
  }, [theme]);
  const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system');
  return { theme, nextTheme };
}
