/** Completions in the real shells, as far as they are installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Check } from '../support/run-checks.ts';

interface Shell {
  readonly name: string;
  /** @returns the words that it offers behind a line such as `slipway deployments s` */
  readonly offers: (root: string, line: string) => readonly string[];
}

const SHELLS: readonly Shell[] = [
  {
    name: 'bash',
    offers(root, line) {
      const program = `source "$1"; COMP_WORDS=($2); [[ $2 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
compopt() { :; }
_slipway; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const file = join(root, 'usr/share/bash-completion/completions/slipway');
      return lines(execFileSync('bash', ['--norc', '-c', program, 'bash', file, line], { encoding: 'utf8' }));
    },
  },
  {
    name: 'fish',
    offers(root, line) {
      const file = join(root, 'usr/share/fish/vendor_completions.d/slipway.fish');
      const said = execFileSync('fish', ['--no-config', '-c', `source ${file}; complete --do-complete '${line}'`], {
        encoding: 'utf8',
      });
      return lines(said).map((offer) => offer.split('\t')[0] ?? '');
    },
  },
  {
    name: 'zsh',
    offers(root, line) {
      // zsh completes in its line editor alone: what the function would describe is taken instead of shown.
      const program = `
words=(\${(z)2}); [[ $2 == *' ' ]] && words+=(''); CURRENT=$#words
_describe() { print -l \${\${(P)2}%%:*} }
_arguments() { for one in $@; do [[ $one == -* ]] && print -- \${one%%\\[*}; done }
source "$1"; :`;
      const file = join(root, 'usr/share/zsh/vendor-completions/_slipway');
      const typed = line.slice(line.lastIndexOf(' ') + 1);
      const said = execFileSync('zsh', ['-f', '-c', program, 'zsh', file, line], { encoding: 'utf8' });
      return lines(said).filter((offer) => offer.startsWith(typed));
    },
  },
];

const CASES: readonly { readonly line: string; readonly offers: string; readonly not: string }[] = [
  { line: 'slipway dep', offers: 'deploy', not: 'push' },
  { line: 'slipway deployments s', offers: 'stop', not: 'server' },
  { line: 'slipway groups create --app', offers: '--application', not: '--help' },
  { line: 'slipway --verbose hosts ', offers: 'deregister', not: 'push' },
];

/** @param unpacked where the package's files lie */
export function completionChecks(unpacked: () => string): readonly Check[] {
  return SHELLS.map(({ name, offers }) => ({
    what: `${name} completes commands and options`,
    needs: spawnSync('sh', ['-c', `command -v ${name}`]).status === 0 ? [] : [`${name} is not installed`],
    hold() {
      for (const { line, offers: wanted, not } of CASES) {
        const found = offers(unpacked(), line);
        if (!found.includes(wanted) || found.includes(not)) throw new Error(`'${line}' offers ${found.join(' ')}`);
      }
    },
  }));
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
