/** An edit of a value of which a form shows a part only: what the form does not show stays as it is. Pure. */

type Json = unknown;
type Members = Readonly<Record<string, Json>>;

/**
 * Does to a whole value what a person has done to the part of it that the form shows.
 *
 * Members of objects that are not shown stay, and so do entries of lists behind those that are shown. An entry that the person has not
 * changed is kept whole, wherever it stands now.
 *
 * @param whole as the server has it
 * @param before the shown part of it
 * @param now the shown part after the edit
 */
export function carryOver(whole: Json, before: Json, now: Json): Json {
  // A default that the server leaves out is shown, too.
  if (isSame(before, now)) return whole ?? now;
  // A list of which the form showed nothing is made anew.
  if (Array.isArray(now)) return Array.isArray(before) ? carryOverList(asList(whole), before, now) : now;
  if (!isMembers(now) || !isMembers(whole)) return now;
  const shown = isMembers(before) ? before : {};
  const names = [...new Set([...Object.keys(whole), ...Object.keys(now)])].filter(
    (name) => name in now || !(name in shown),
  );
  return Object.fromEntries(
    names.map((name) => [name, name in now ? carryOver(whole[name], shown[name], now[name]) : whole[name]]),
  );
}

function carryOverList(whole: readonly Json[], before: readonly Json[], now: readonly Json[]): readonly Json[] {
  const isEdited = before.length === now.length;
  const taken = new Set<number>();
  const edited = now.map((entry, at) => {
    const same = before.findIndex((one, index) => !taken.has(index) && isSame(one, entry));
    const from = same === -1 && isEdited ? at : same;
    if (from === -1 || taken.has(from)) return entry;
    taken.add(from);
    return carryOver(whole[from], before[from], entry);
  });
  return [...edited, ...whole.slice(before.length)];
}

function asList(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function isMembers(value: Json): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whatever order the members come in. */
function isSame(one: Json, other: Json): boolean {
  return JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other));
}

function inOrder(value: Json): Json {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isMembers(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, inOrder(value[name])]),
  );
}
