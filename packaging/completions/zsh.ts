/** Completion for zsh. Pure. */
import { type Place, quoted } from './words.ts';

export function zshCompletion(places: readonly Place[]): string {
  const cases = places.map((place) => {
    const commands = place.children.map(({ word, description }) => quoted(`${word}:${plain(description)}`));
    const options = place.options.flatMap(({ names, takesValue, choices, description }) => {
      const value = takesValue ? (choices === null ? ':value:_files' : `:value:(${choices.join(' ')})`) : '';
      return names.map((name) => quoted(`${name}[${plain(description)}]${value}`));
    });
    const show = commands.length === 0 ? '' : `\n      commands=(${commands.join(' ')})`;
    return `    ${quoted(place.path)})${show}\n      options=(${options.join(' ')}) ;;`;
  });
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  return `#compdef slipway
# zsh completion for slipway; generated from the program's own commands.

_slipway() {
  local -a paths commands options
  local command='' word
  local -i at
  paths=(${paths.map(quoted).join(' ')})
  for ((at = 2; at < CURRENT; at += 1)); do
    word=\${words[at]}
    [[ $word == -* ]] && continue
    if (( \${paths[(Ie)\${command:+$command }$word]} )); then command="\${command:+$command }$word"; fi
  done
  case $command in
${cases.join('\n')}
  esac
  if (( $#commands )) && [[ \${words[CURRENT]} != -* ]]; then
    _describe 'command' commands
    return
  fi
  _arguments $options '*:file:_files'
}

_slipway "$@"
`;
}

/** Brackets and colons separate the parts of a specification. */
function plain(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, ' ').trim();
}
