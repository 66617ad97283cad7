/** Makers of archives that no honest tool makes. */
import { crc32, deflateRawSync } from 'node:zlib';
import { Header } from 'tar';
import { writeTarChecksum } from './mutate.ts';

export interface TarEntry {
  readonly path: string;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'BlockDevice' | 'FIFO';
  readonly linkpath?: string;
  readonly content?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Size that the header claims, if not the truth. */
  readonly size?: number;
}

export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(
    ({ path, type = 'File', linkpath, content = '', mode = 0o644, uid = 0, gid = 0, size }) => {
      const block = Buffer.alloc(512);
      const body = Buffer.from(content);
      const header = new Header({
        path,
        type,
        mode,
        size: size ?? body.length,
        mtime: new Date(0),
        uid,
        gid,
        ...(linkpath === undefined ? {} : { linkpath }),
      });
      header.encode(block, 0);
      return [block, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
    },
  );
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export interface ZipEntry {
  readonly path: string;
  readonly content?: string;
  readonly unixMode?: number;
  /** The name in the entry's own header, if another. */
  readonly localPath?: string;
  readonly crc?: number;
  readonly claimedSize?: number;
}

export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { path, content = '', unixMode = 0o100644, localPath = path, crc, claimedSize } of entries) {
    const body = Buffer.from(content);
    const packed = deflateRawSync(body);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc ?? crc32(body), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimedSize ?? body.length, 18);
    common.writeUInt16LE(Buffer.byteLength(localPath), 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), common, Buffer.from(localPath), packed]);
    common.writeUInt16LE(Buffer.byteLength(path), 22);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((unixMode << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([20, 3]);
    central.push(Buffer.concat([Buffer.from('PK\u0001\u0002', 'latin1'), madeBy, common, rest, Buffer.from(path)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\u0005\u0006', 'latin1'), end]);
}

export interface RawEntry {
  readonly name?: string;
  /** The letter of the header. */
  readonly type?: string;
  readonly link?: string;
  readonly content?: string;
  /** Size that the header claims, if not the truth: the bytes of the field. */
  readonly sizeField?: string;
  /** Anything else; the checksum is put right afterwards. */
  readonly edit?: (block: Buffer) => void;
}

/** One tar header, written field by field, with its content. */
export function rawEntry({ name = 'a', type = '0', link = '', content = '', sizeField, edit }: RawEntry): Buffer {
  const block = Buffer.alloc(512);
  const body = Buffer.from(content, 'latin1');
  block.write(name, 0, 100, 'latin1');
  block.write('0000644\0' + '0000000\0' + '0000000\0', 100, 'latin1');
  block.write(sizeField ?? body.length.toString(8).padStart(11, '0'), 124, 12, 'latin1');
  block.write('00000000000', 136, 'latin1');
  block.write(type, 156, 'latin1');
  block.write(link, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  edit?.(block);
  writeTarChecksum(block);
  return Buffer.concat([block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** A pax header with these `key=value` records. */
export function paxHeader(records: readonly string[], type: 'x' | 'g' = 'x'): Buffer {
  return rawEntry({ name: 'pax', type, content: records.map(paxRecord).join('') });
}

function paxRecord(record: string): string {
  const bare = Buffer.byteLength(record, 'latin1') + 2;
  let length = bare + 1;
  while (String(length).length + bare !== length) length = String(length).length + bare;
  return `${length} ${record}\n`;
}
