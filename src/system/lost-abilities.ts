/** Abilities that are lost, or work less well, on a machine that lacks what Linux usually has. Pure. */
import type { MachineFacts } from './machine-facts.ts';

export interface LostAbility {
  /** The thing that the machine lacks. */
  readonly missing: string;
  /** Half sentences: what follows from that. */
  readonly lost: readonly string[];
  readonly remedy: string;
}

const MOUNT_PROC = 'Mount it before the agent starts: `mount -t proc proc /proc`.';

/** @returns nothing where all is there */
export function lostAbilities(facts: MachineFacts): readonly LostAbility[] {
  const found = [...ofProcesses(facts), ...ofDescriptors(facts), ...ofMounts(facts), ...ofBootId(facts)];
  // Where /proc is missing as a whole, that is one thing, and fixed by one command.
  const isWhole = facts.processes === 'none' && found.length > 1;
  const ofProc = isWhole
    ? [{ missing: '/proc of this machine or container', lost: found.flatMap(({ lost }) => lost), remedy: MOUNT_PROC }]
    : found;
  return [...ofProc, ...ofSharedMemory(facts)];
}

/** Describes all lost abilities in one line. */
export function describeLostAbilities(abilities: readonly LostAbility[]): string {
  return abilities.map(({ missing, lost, remedy }) => `${missing} is missing: ${lost.join('; ')}. ${remedy}`).join(' ');
}

function ofProcesses({ processes }: MachineFacts): LostAbility[] {
  if (processes === 'all') return [];
  if (processes === 'own') {
    return [
      {
        missing: 'the sight of other users’ processes in /proc (hidepid)',
        lost: [
          'processes that a script has started as another user, and that have left its process group, are not ended with it',
          'a lock of another user counts for as long as any process has its number',
        ],
        remedy: 'Mount /proc without hidepid (`mount -o remount,hidepid=0 /proc`), or run the agent as root.',
      },
    ];
  }
  return [
    {
      missing: '/proc of this PID namespace',
      lost: [
        'a script that runs too long is ended with its process group, and what has left the group runs on',
        'scripts that a crash of the agent leaves running are not found and not ended',
        'a lock counts for as long as any process has its number',
        'diagnostics do not name the process that holds an output open',
      ],
      remedy: MOUNT_PROC,
    },
  ];
}

function ofDescriptors({ descriptors }: MachineFacts): LostAbility[] {
  if (descriptors) return [];
  return [
    {
      missing: '/proc/self/fd',
      lost: [
        'files that were open when the agent was started may go on to scripts',
        'Install looks at each folder before each step and cannot hold it, so that a user who may write there has a moment to exchange it',
      ],
      remedy: MOUNT_PROC,
    },
  ];
}

function ofMounts({ mounts }: MachineFacts): LostAbility[] {
  if (mounts) return [];
  return [
    {
      missing: '/proc/self/mountinfo',
      lost: [
        'the agent’s own folders are not recognised behind a bind mount',
        'errors do not say that a mount is read-only or noexec',
      ],
      remedy: MOUNT_PROC,
    },
  ];
}

function ofBootId({ bootId }: MachineFacts): LostAbility[] {
  if (bootId) return [];
  return [
    {
      missing: 'the boot id (/proc/sys/kernel/random/boot_id)',
      lost: ['a clock that is set by ten minutes or more makes downloads begin anew, as after a start of the machine'],
      remedy: MOUNT_PROC,
    },
  ];
}

function ofSharedMemory({ sharedMemory }: MachineFacts): LostAbility[] {
  if (sharedMemory) return [];
  return [
    {
      missing: '/dev/shm',
      lost: ['pipes for scripts are made on disks alone, so that no script runs where root_dir and /tmp are full'],
      remedy: 'Mount it: `mount -t tmpfs -o mode=1777 tmpfs /dev/shm`.',
    },
  ];
}
