/** The rooms of `src/server` are as large as those of `src`, and count by themselves. */
const DEEP = /^src\/server\/[^/]+\//u;

/** @param file a path in the project. @returns the room whose English it is counted with */
export function roomOf(file: string): string {
  const names = file.split('/');
  if (names.length === 1) return '.';
  return names
    .slice(0, DEEP.test(file) ? 3 : names[0] === 'src' || names[0] === 'test' ? Math.min(2, names.length - 1) : 1)
    .join('/');
}
