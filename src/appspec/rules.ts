/**
 * The one catalogue of what can be said about an AppSpec file and the bundle around it. An id is a promise to those who filter or suppress
 * findings; `docs/appspec.md` has the same table, and a test compares the two. Pure.
 */

interface LintRule {
  /** Effect of such a finding on a deployment: an error fails it, a warning may surprise somebody. */
  readonly severity: 'error' | 'warning';
  /** One sentence, for the documentation and for tools that show it beside a finding. */
  readonly meaning: string;
}

export const LINT_RULES = {
  // --- the text
  'too-large': { severity: 'error', meaning: 'The file is larger than an AppSpec file may be.' },
  'not-yaml': { severity: 'error', meaning: 'The file is neither YAML nor JSON.' },
  'not-utf8': {
    severity: 'error',
    meaning: 'A text holds bytes that are not UTF-8; replacing them would change the path or name.',
  },
  empty: { severity: 'error', meaning: 'The file is empty; it needs at least `version` and `os`.' },
  'duplicate-key': {
    severity: 'error',
    meaning: 'A key stands twice in one mapping; one of the two values would be lost.',
  },
  'not-a-mapping': { severity: 'error', meaning: 'A value must be a mapping (`key: value` lines) and is none.' },
  'not-a-list': { severity: 'error', meaning: 'A value must be a list (`- item` lines) and is none.' },
  'not-text': { severity: 'error', meaning: 'A value must be text and is a list or a mapping.' },
  'text-unquoted': {
    severity: 'warning',
    meaning: 'A text without quotes that YAML reads as a number, a date or a truth value; other readers may change it.',
  },
  'typographic-quotes': {
    severity: 'warning',
    meaning:
      'A text begins with a typographic quote (“), as word processors write it; YAML takes it for a part of the text.',
  },
  'second-document': {
    severity: 'error',
    meaning: 'A second YAML document follows; agents read only the first one.',
  },
  'nothing-to-do': {
    severity: 'warning',
    meaning: 'The file names neither files nor scripts: a deployment succeeds and changes nothing.',
  },
  'key-misplaced': {
    severity: 'warning',
    meaning: 'A key stands in the wrong place, where it has no effect; the message names the right place.',
  },
  'unknown-key': { severity: 'warning', meaning: 'A key that has no effect, often a misspelt one.' },
  // --- the head
  'other-platform': {
    severity: 'error',
    meaning: 'An AppSpec file for Lambda or ECS: the control plane reads those, a host cannot.',
  },
  'version-missing': { severity: 'error', meaning: 'There is no `version`.' },
  'version-unsupported': { severity: 'error', meaning: '`version` is not 0.0.' },
  'os-missing': { severity: 'error', meaning: 'There is no `os`.' },
  'os-other': { severity: 'error', meaning: '`os` is not the system of the hosts that this agent runs on.' },
  'os-unsupported': { severity: 'error', meaning: '`os` is neither `linux` nor `windows`.' },
  'file-exists-behavior-unknown': {
    severity: 'error',
    meaning: '`file_exists_behavior` is not `DISALLOW`, `OVERWRITE` or `RETAIN`, in capitals.',
  },
  // --- resources, of Lambda and ECS
  'resource-count': {
    severity: 'error',
    meaning: '`Resources` must have exactly one entry with one name: a deployment changes one function or one service.',
  },
  'property-missing': {
    severity: 'error',
    meaning: 'A file for Lambda or ECS lacks a key that it needs, or the key is empty.',
  },
  'property-invalid': {
    severity: 'error',
    meaning: 'A key of a file for Lambda or ECS has a value that is not allowed.',
  },
  'property-unknown': {
    severity: 'error',
    meaning:
      'A file for Lambda or ECS has an unknown key; without its effect traffic could move in a way that nobody meant.',
  },
  'versions-equal': {
    severity: 'error',
    meaning: '`CurrentVersion` and `TargetVersion` of a function are the same: there is nothing to shift.',
  },
  'hook-unknown': {
    severity: 'error',
    meaning: 'A hook names an event that the platform does not have, or that calls no hook: it would never be called.',
  },
  // --- files
  'source-missing': { severity: 'error', meaning: 'A mapping names no source, or one that is not in the bundle.' },
  'source-escapes': {
    severity: 'error',
    meaning: 'A source leads out of the bundle, or through a link: nothing is read through links.',
  },
  'source-link': {
    severity: 'warning',
    meaning: 'A source is a link to a folder: the link is installed, and the folder’s contents are not.',
  },
  'link-leads-nowhere': {
    severity: 'warning',
    meaning:
      'A link points to a file of the bundle that no source installs at the place where the link points on the host.',
  },
  'source-unusable': { severity: 'error', meaning: 'A source is neither a file nor a folder nor a link.' },
  'destination-missing': { severity: 'error', meaning: 'A mapping names no destination.' },
  'destination-is-file': {
    severity: 'warning',
    meaning:
      'The destination of a file ends with the file’s own name; `destination` is the folder that the file goes into.',
  },
  'destination-relative': { severity: 'error', meaning: 'A destination is not an absolute path.' },
  'destination-climbs': { severity: 'error', meaning: 'A destination contains `..`.' },
  'duplicate-destination': { severity: 'error', meaning: 'Two sources would become the same file on the host.' },
  'own-place': {
    severity: 'error',
    meaning: 'A destination or a permission names files of the agent itself; only `--host` checks this.',
  },
  'path-with-nul': { severity: 'error', meaning: 'A path holds the character NUL.' },
  // --- hooks
  'event-unknown': {
    severity: 'warning',
    meaning: 'A name is close to that of a lifecycle event, and is none: its scripts never run.',
  },
  'event-outside-hooks': {
    severity: 'error',
    meaning: 'A lifecycle event stands beside `hooks` instead of below it: its scripts would never run.',
  },
  'event-custom': {
    severity: 'warning',
    meaning: 'A lifecycle event of your own: only local deployments run its scripts.',
  },
  'event-without-scripts': {
    severity: 'warning',
    meaning: 'A lifecycle event that the agent or the control plane does by itself: its scripts never run.',
  },
  'event-other-platform': {
    severity: 'warning',
    meaning: 'A lifecycle event that only ECS deployments have: its scripts never run on a host.',
  },
  'location-missing': { severity: 'error', meaning: 'A script has no `location`.' },
  'location-escapes': { severity: 'error', meaning: 'A `location` leads out of the bundle.' },
  'timeout-invalid': { severity: 'error', meaning: '`timeout` is no whole number of seconds above 0.' },
  'timeout-over-limit': {
    severity: 'warning',
    meaning: 'A script may take longer than the 3600 seconds that an event may last.',
  },
  'timeouts-over-limit': {
    severity: 'warning',
    meaning: 'The timeouts of one event add up to more than the 3600 seconds that it may last.',
  },
  'sudo-not-boolean': {
    severity: 'error',
    meaning: '`sudo` is not `true` or `false`; as text, "false" would be true.',
  },
  'script-missing': { severity: 'error', meaning: 'A script is not in the bundle, or is no file.' },
  'script-outside': { severity: 'error', meaning: 'A script is a link that leads out of the bundle.' },
  'script-not-executable': {
    severity: 'warning',
    meaning: 'A script is not executable; the agent makes it executable, and logs that in each deployment.',
  },
  'script-crlf': {
    severity: 'error',
    meaning: 'The first line of a script ends with CRLF: the kernel looks for an interpreter with a carriage return.',
  },
  'script-crlf-inside': {
    severity: 'warning',
    meaning:
      'Lines of a shell script, though not its first, end with CRLF: the shell takes the carriage return for part of a word.',
  },
  'script-bom': {
    severity: 'warning',
    meaning: 'A byte order mark stands before `#!`: the kernel does not see that line, and `/bin/sh` runs the script.',
  },
  'shebang-arguments': {
    severity: 'error',
    meaning:
      '`#!/usr/bin/env` has more than one word behind it, which the kernel hands over as one name; `-S` divides it.',
  },
  'shebang-missing': { severity: 'warning', meaning: 'A script does not begin with `#!`; `/bin/sh` runs it.' },
  'script-no-program': {
    severity: 'warning',
    meaning: 'A script is neither text nor a program that Linux starts, such as one for Windows, or text in UTF-16.',
  },
  'program-other-machine': {
    severity: 'warning',
    meaning: 'A program that is run as a script was built for another kind of machine than this host.',
  },
  'interpreter-missing': {
    severity: 'warning',
    meaning: 'The interpreter of a script, or the loader of a program, is not on this host.',
  },
  // --- permissions
  'permissions-on-windows': { severity: 'error', meaning: '`permissions` are for Linux only.' },
  'object-missing': { severity: 'error', meaning: 'A permission has no `object`.' },
  'type-unknown': { severity: 'error', meaning: '`type` is neither `file` nor `directory`.' },
  'mode-invalid': { severity: 'error', meaning: '`mode` is not one to four octal digits.' },
  'mode-unquoted': {
    severity: 'warning',
    meaning: 'A `mode` with a leading zero and without quotes, which other agents read as another number.',
  },
  'acl-invalid': { severity: 'error', meaning: 'An entry of `acls` does not follow the grammar.' },
  'acl-duplicate': {
    severity: 'warning',
    meaning: 'Two entries of one ACL are for the same user or group; the last one counts.',
  },
  'context-without-type': { severity: 'error', meaning: 'A `context` has no `type`.' },
  'range-invalid': { severity: 'error', meaning: 'The `range` of a `context` does not follow the grammar.' },
  'permission-pattern': {
    severity: 'error',
    meaning: 'A permission for a single file has a `pattern` or an `except`.',
  },
  'permission-duplicate': { severity: 'error', meaning: 'Two permissions are for the same file or folder.' },
  'permission-acl': {
    severity: 'error',
    meaning: 'A file would get a default ACL entry, which only folders can have.',
  },
  'permission-unused': { severity: 'warning', meaning: 'A permission applies to nothing that the bundle installs.' },
  'permission-unsafe': {
    severity: 'warning',
    meaning: 'A mode with setuid or setgid, which `reject_unsafe_permissions_in_bundle` forbids.',
  },
  'context-unconfined': {
    severity: 'error',
    meaning: 'An SELinux type without confinement, which `reject_unconfined_selinux_in_bundle` forbids.',
  },
  'unknown-user': {
    severity: 'warning',
    meaning: 'A user of `runas`, `owner` or `acls` does not exist on this host; with `--host` an error.',
  },
  'unknown-group': {
    severity: 'warning',
    meaning: 'A group of `group` or `acls` does not exist on this host; with `--host` an error.',
  },
} as const satisfies Record<string, LintRule>;

export type LintRuleId = keyof typeof LINT_RULES;
