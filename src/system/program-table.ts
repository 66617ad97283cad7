/** The programs of the system that Slipway starts by name. `programs.test.ts` holds the table against the sources. Pure. */

interface SystemProgramFacts {
  /** The package of Debian and Ubuntu that brings it. */
  readonly debianPackage: string;
  /** Ability that needs the program: the subject of "… needs the program …". */
  readonly purpose: string;
  /** Severity of its absence in `slipway doctor` on a host; absent: the doctor does not look for it. */
  readonly absence?: 'fail' | 'warn';
}

export const SYSTEM_PROGRAMS = {
  sync: { debianPackage: 'coreutils', purpose: 'Install', absence: 'fail' },
  mkfifo: { debianPackage: 'coreutils', purpose: 'every hook', absence: 'fail' },
  git: { debianPackage: 'git', purpose: 'a revision from git', absence: 'warn' },
  ssh: { debianPackage: 'openssh-client', purpose: 'git with an address of ssh://', absence: 'warn' },
  setfacl: { debianPackage: 'acl', purpose: '`acls` in an AppSpec file', absence: 'warn' },
  getfacl: { debianPackage: 'acl', purpose: '`acls` in an AppSpec file' },
  semanage: {
    debianPackage: 'policycoreutils-python-utils',
    purpose: '`context` in an AppSpec file',
    absence: 'warn',
  },
  restorecon: { debianPackage: 'policycoreutils', purpose: '`context` in an AppSpec file' },
  chcon: { debianPackage: 'coreutils', purpose: 'putting back an SELinux label' },
  su: { debianPackage: 'util-linux', purpose: '`runas` of a hook', absence: 'warn' },
  sudo: { debianPackage: 'sudo', purpose: '`sudo` of a hook', absence: 'warn' },
  'systemd-run': { debianPackage: 'systemd', purpose: 'a scope for a hook (hook_scopes)' },
  getent: { debianPackage: 'libc-bin', purpose: 'a user or group that is not in /etc', absence: 'warn' },
  systemctl: { debianPackage: 'systemd', purpose: 'a service' },
  journalctl: { debianPackage: 'systemd', purpose: 'the journal' },
  useradd: { debianPackage: 'passwd', purpose: 'the service’s own user' },
  id: { debianPackage: 'coreutils', purpose: 'the name of a user' },
  'ssh-keygen': { debianPackage: 'openssh-client', purpose: 'a signature with an SSH key' },
  minisign: { debianPackage: 'minisign', purpose: 'a signature with a key of minisign' },
  // Without those that follow something is done in another way, or less well, and nothing fails.
  stat: { debianPackage: 'coreutils', purpose: 'the look at an SELinux label' },
  xargs: { debianPackage: 'findutils', purpose: 'nanoseconds of times that are put back' },
  prlimit: { debianPackage: 'util-linux', purpose: 'the limit on core dumps' },
  logger: { debianPackage: 'bsdutils', purpose: 'fields of the journal' },
  'systemd-notify': { debianPackage: 'systemd', purpose: 'READY=1 for systemd' },
  setpriv: { debianPackage: 'util-linux', purpose: 'the doctor’s look as another user' },
  test: { debianPackage: 'coreutils', purpose: 'the doctor’s look at rights' },
} as const satisfies Readonly<Record<string, SystemProgramFacts>>;

export type SystemProgram = keyof typeof SYSTEM_PROGRAMS;

export function isSystemProgram(name: string): name is SystemProgram {
  return Object.hasOwn(SYSTEM_PROGRAMS, name);
}

/** Lists the programs that the doctor looks for on a host, with what it says of a missing one. */
export function programsOfHosts(): readonly (SystemProgramFacts & { readonly name: string })[] {
  const all = Object.entries(SYSTEM_PROGRAMS) as [SystemProgram, SystemProgramFacts][];
  return all.flatMap(([name, facts]) => (facts.absence === undefined ? [] : [{ name, ...facts }]));
}

/** Tells how to install a missing program; a sentence without its full stop. */
export function installationOf(program: SystemProgram): string {
  return `Install ${program} (on Debian and Ubuntu the package ${SYSTEM_PROGRAMS[program].debianPackage})`;
}
