/** Completion for fish. Pure. */
import type { Place } from './words.ts';

export function fishCompletion(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, children, options }) => {
    const where = `-n ${quoted(`__slipway_is ${path}`.trim())}`;
    return [
      ...children.map(
        ({ word, description }) => `complete -c slipway ${where} -f -a ${word} -d ${quoted(description)}`,
      ),
      ...options.map(({ names, takesValue, choices, description }) => {
        const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
        const value = takesValue ? (choices === null ? ' -r' : ` -x -a ${quoted(choices.join(' '))}`) : '';
        return `complete -c slipway ${where} ${flags.join(' ')}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  return `# fish completion for slipway; generated from the program's own commands.

set -g __slipway_paths ${paths.map(quoted).join(' ')}

# Whether the command that has been typed so far is the one that the arguments name.
function __slipway_is
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and continue
        if contains -- "$path$word" $__slipway_paths
            set path "$path$word "
        end
    end
    test (string trim -- "$path") = "$argv"
end

${lines.join('\n')}
`;
}

/** In single quotes fish knows two escapes only. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
