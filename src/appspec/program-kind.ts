/** Kind of a program that is no text and does not begin with `#!`: the machine it was built for, and its loader. Pure. */

export interface ProgramKind {
  /** Name of the kind, such as `a program for aarch64`. */
  readonly is: string;
  /** The machines that run it, as `uname -m` names them; empty: no Linux starts such a file by itself; null: nobody can tell. */
  readonly machines: readonly string[] | null;
  /** The program that loads it and its libraries, which the kernel starts in its place; null: none. */
  readonly loader: string | null;
}

/** As much of a program as says all this. */
export const PROGRAM_BYTES = 4096;

/** Names of machines by the number in an ELF header (`e_machine`), and the machines that run such programs. */
const ELF_MACHINES: Readonly<Record<number, readonly [name: string, machines: readonly string[]]>> = {
  3: ['x86 (32 bits)', ['x86_64', 'i686', 'i586', 'i486', 'i386']],
  8: ['MIPS', ['mips', 'mips64']],
  20: ['PowerPC', ['ppc', 'ppc64']],
  21: ['ppc64', ['ppc64', 'ppc64le']],
  22: ['s390x', ['s390x', 's390']],
  40: ['ARM (32 bits)', ['armv6l', 'armv7l', 'armv8l', 'arm', 'aarch64']],
  62: ['x86_64', ['x86_64']],
  183: ['aarch64', ['aarch64', 'aarch64_be']],
  243: ['RISC-V', ['riscv64', 'riscv32']],
  258: ['LoongArch', ['loongarch64']],
};

/** Files that are made for other systems, by how they begin, a character a byte. */
const OTHER_SYSTEMS: readonly (readonly [mark: RegExp, is: string])[] = [
  [/^MZ/, 'a program for Windows'],
  [/^(\xcf\xfa\xed\xfe|\xce\xfa\xed\xfe|\xfe\xed\xfa[\xce\xcf])/, 'a program for macOS'],
  [/^\xca\xfe\xba\xbe/, 'a program for macOS, or a class of Java'],
  [/^(\xff\xfe|\xfe\xff|#\0!\0|\0#\0!)/, 'text in UTF-16, which no shell reads; save it as UTF-8'],
  [/^PK\x03\x04/, 'a zip archive, such as a JAR'],
  [/^\x1f\x8b/, 'a gzip file'],
];

/**
 * @param beginning the first bytes of a file that holds a NUL, a character each; `PROGRAM_BYTES` or more where there are so many
 * @returns null: the file says nothing of what it is
 */
export function programKind(beginning: string): ProgramKind | null {
  if (beginning.startsWith('\x7fELF') && beginning.length >= 64) return elfKind(Buffer.from(beginning, 'latin1'));
  const other = OTHER_SYSTEMS.find(([mark]) => mark.test(beginning));
  return other === undefined ? null : { is: other[1], machines: [], loader: null };
}

/** @see the man page elf(5) for the places of the fields */
function elfKind(bytes: Buffer): ProgramKind {
  const is64 = bytes[4] === 2;
  const isBigEndian = bytes[5] === 2;
  const short = (at: number) => (isBigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));
  const known = ELF_MACHINES[short(18)];
  const loader = loaderOf(bytes, is64, isBigEndian);
  if (known === undefined) return { is: 'a program (ELF)', machines: null, loader };
  const [name, machines] = known;
  // PowerPC is one number for two orders of bytes, which do not run each other.
  const isOrdered = machines.includes('ppc64le');
  const ofOrder = isOrdered ? machines.filter((machine) => machine.endsWith('le') !== isBigEndian) : machines;
  return { is: `a program for ${isOrdered ? ofOrder.join() : name}`, machines: ofOrder, loader };
}

const INTERPRETER_SEGMENT = 3;

function loaderOf(bytes: Buffer, is64: boolean, isBigEndian: boolean): string | null {
  const number = (at: number, size: number) =>
    at + size > bytes.length ? 0 : isBigEndian ? bytes.readUIntBE(at, size) : bytes.readUIntLE(at, size);
  // Of eight bytes the six lower ones: no offset in a file is larger.
  const offset = (at: number) => (is64 ? number(isBigEndian ? at + 2 : at, 6) : number(at, 4));
  const table = offset(is64 ? 32 : 28);
  const entrySize = number(is64 ? 54 : 42, 2);
  const count = number(is64 ? 56 : 44, 2);
  for (let n = 0; n < count && table + n * entrySize < bytes.length; n += 1) {
    const at = table + n * entrySize;
    if (number(at, 4) !== INTERPRETER_SEGMENT) continue;
    const begin = offset(at + (is64 ? 8 : 4));
    const end = bytes.indexOf(0, begin);
    return end > begin ? bytes.toString('utf8', begin, end) : null;
  }
  return null;
}
