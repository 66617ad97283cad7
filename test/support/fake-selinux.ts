import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { quoteForShell } from '../../src/system/shell-word.ts';

/**
 * SELinux as far as Slipway sees it, for machines without it. `semanage` keeps rules in a file; `restorecon`, `chcon` and `stat -c %C` keep
 * a label for each inode. These refuse what the real ones refuse: to add a rule that is there, to change or to remove one that is not.
 */
export interface FakeSelinux extends Disposable {
  rules(): string;
  /** null: the object has never been labelled. */
  labelOf(path: string): string | null;
}

const DEFAULT_LABEL = 'system_u:object_r:default_t:s0';

/** Puts the stand-ins in front of PATH until it is let go of. */
export function fakeSelinux(folder: string): FakeSelinux {
  const [bin, rules, labels] = [join(folder, 'bin'), join(folder, 'rules'), join(folder, 'labels')];
  for (const path of [bin, labels]) mkdirSync(path, { recursive: true });
  writeFileSync(rules, '', { flag: 'a' });
  const program = (name: string, script: string) => {
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\nset -e\nrules=${quoteForShell(rules)} labels=${quoteForShell(labels)}\n${script}`,
    );
    chmodSync(join(bin, name), 0o755);
  };
  program(
    'semanage',
    `shift; action=$1; shift
if [ "$action" = -l ]; then awk -F '\\t' '{printf "%-50s %-18s %s \\n", $1, "all files", $2}' "$rules"; exit; fi
user=system_u type= range=s0
while [ $# -gt 1 ]; do
  case $1 in -t) type=$2;; -s) user=$2;; -r) range=$2;; esac
  shift 2
done
export expression="$1" rule="$user:object_r:$type:$range"
there=$(awk -F '\\t' '$1 == ENVIRON["expression"]' "$rules")
case $action in
  -a) [ -z "$there" ] || { echo already defined >&2; exit 1; }
      { cat "$rules"; printf '%s\\t%s\\n' "$expression" "$rule"; } > "$rules.new";;
  -m) [ -n "$there" ] || { echo not defined >&2; exit 1; }
      awk -F '\\t' '$1 == ENVIRON["expression"] { print $1 "\\t" ENVIRON["rule"]; next } 1' "$rules" > "$rules.new";;
  -d) [ -n "$there" ] || { echo not defined >&2; exit 1; }
      awk -F '\\t' '$1 != ENVIRON["expression"]' "$rules" > "$rules.new";;
esac
mv "$rules.new" "$rules"
`,
  );
  program(
    'restorecon',
    `export path="$2"
label=$(awk -F '\\t' '{ name = $1; gsub(/\\\\/, "", name); if (name == ENVIRON["path"]) print $2 }' "$rules")
printf %s "\${label:-${DEFAULT_LABEL}}" > "$labels/$(/usr/bin/stat -c %i "$path")"
`,
  );
  program('chcon', `shift $(($# - 2))\nprintf %s "$1" > "$labels/$(/usr/bin/stat -L -c %i "$2")"\n`);
  program('stat', `cat "$labels/$(/usr/bin/stat -L -c %i "$4")" 2>&- || echo '?'\n`);
  const before = process.env['PATH'];
  process.env['PATH'] = [bin, before].join(delimiter);
  return {
    rules: () => readFileSync(rules, 'utf8'),
    labelOf(path) {
      const file = join(labels, String(lstatSync(path).ino));
      return existsSync(file) ? readFileSync(file, 'utf8') : null;
    },
    [Symbol.dispose]() {
      process.env['PATH'] = before;
    },
  };
}
