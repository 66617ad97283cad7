/** The beginning of an ELF program of 64 bits, a character each: a header, and a loader's name where one is given. */
export function elfProgram(facts: {
  /** `e_machine` of its header. */
  readonly machine: number;
  readonly isBigEndian?: boolean;
  readonly loader?: string;
}): string {
  const { machine, isBigEndian = false, loader } = facts;
  const bytes = Buffer.alloc(512);
  const put = (value: number, at: number, size: number) =>
    isBigEndian ? bytes.writeUIntBE(value, at, size) : bytes.writeUIntLE(value, at, size);
  // An offset's two upper bytes stay zero.
  const putOffset = (value: number, at: number) => put(value, isBigEndian ? at + 2 : at, 6);
  bytes.write('\x7fELF', 'latin1');
  bytes[4] = 2;
  bytes[5] = isBigEndian ? 2 : 1;
  put(machine, 18, 2);
  if (loader === undefined) return bytes.toString('latin1');
  const [table, name] = [64, 128];
  putOffset(table, 32);
  put(56, 54, 2);
  put(1, 56, 2);
  put(3, table, 4);
  putOffset(name, table + 8);
  bytes.write(`${loader}\0`, name);
  return bytes.toString('latin1');
}
