/** The file of a new server's settings. Pure. */
import { parseEnvironmentText } from '../service/environment-text.ts';

/** Variable → value. */
export type Settings = Readonly<Record<string, string>>;

/** Settings that a file has already, of those that are to be written into it; two values of one would contradict each other. */
export function settingsThatAreSet(text: string, settings: Settings): readonly string[] {
  const { assignments } = parseEnvironmentText(text);
  const set = new Map(assignments.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]));
  return Object.keys(settings).filter((name) => (set.get(name) ?? '') !== '');
}

/** Puts each setting behind its line that is commented out, or at the end where there is none. Every line of the text stays. */
export function withSettings(text: string, settings: Settings): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  for (const [name, value] of Object.entries(settings)) {
    const comment = lines.findIndex((line) => line.startsWith(`#${name}=`));
    lines.splice(comment < 0 ? lines.length : comment + 1, 0, `${name}=${quoteSetting(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** As systemd and a shell both read it. */
function quoteSetting(value: string): string {
  return /^[A-Za-z0-9_@%+:,./[\]-]+$/.test(value) ? value : `"${value.replace(/["\\`$]/g, '\\$&')}"`;
}
