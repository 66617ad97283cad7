/** Two people who change one group at the same time: what each of them has changed stays. Pure. */

export interface Rebased<Settings> {
  readonly settings: Settings;
  /** Names of settings that somebody else has changed meanwhile. */
  readonly changed: readonly (keyof Settings)[];
  /** Those among them to which this person has given another value. */
  readonly contested: readonly (keyof Settings)[];
}

/**
 * @param opened the settings when the form was opened
 * @param mine as they stand in the form
 * @param theirs as the server has them now
 */
export function rebase<Settings extends object>(opened: Settings, mine: Settings, theirs: Settings): Rebased<Settings> {
  const names = Object.keys(opened) as (keyof Settings)[];
  const changed = names.filter((name) => !isSame(opened[name], theirs[name]));
  const settings = { ...mine };
  for (const name of changed) if (isSame(opened[name], mine[name])) settings[name] = theirs[name];
  return { settings, changed, contested: changed.filter((name) => !isSame(settings[name], theirs[name])) };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
