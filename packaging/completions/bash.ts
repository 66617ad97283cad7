/** Completion for bash, without the package bash-completion. Pure. */
import { type Place, quoted } from './words.ts';

export function bashCompletion(places: readonly Place[]): string {
  const words = places.map(({ path, children, options }) => {
    const all = [...children.map(({ word }) => word), ...options.flatMap(({ names }) => names)];
    return `    ${quoted(path)}) echo ${quoted(all.join(' '))} ;;`;
  });
  const values = places.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ names, choices }) =>
        names.map(
          (name) => `    ${quoted(`${path} ${name}`.trim())}) echo ${quoted((choices ?? ['@file']).join(' '))} ;;`,
        ),
      ),
  );
  return `# bash completion for slipway; generated from the program's own commands.

# What may follow the command $1.
_slipway_words() {
  case $1 in
${words.join('\n')}
  esac
}

# What the value of an option may be: words, @file, or nothing for an option without a value.
_slipway_values() {
  case $1 in
${values.join('\n')}
  esac
}

_slipway() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' previous='' word values at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at += 1)); do
    word=\${COMP_WORDS[at]}
    if [[ -n $previous ]]; then previous=''; continue; fi
    if [[ $word == -* ]]; then
      [[ $word != *=* && -n $(_slipway_values "\${path:+$path }$word") ]] && previous=$word
      continue
    fi
    [[ -n $(_slipway_words "\${path:+$path }$word") ]] && path="\${path:+$path }$word"
  done
  if [[ -n $previous ]]; then
    values=$(_slipway_values "\${path:+$path }$previous")
    if [[ $values == @file ]]; then compopt -o default; else COMPREPLY=($(compgen -W "$values" -- "$current")); fi
    return
  fi
  COMPREPLY=($(compgen -W "$(_slipway_words "$path")" -- "$current"))
  # A bundle or a folder may be meant.
  [[ \${#COMPREPLY[@]} -eq 0 && $current != -* ]] && compopt -o default
  return 0
}

complete -F _slipway slipway
`;
}
