/** Archives and AppSpec files made to do harm, sorted by attack. Each says how it has to end. */
import { gzipSync } from 'node:zlib';
import type { HostileCase } from './case-runner.ts';
import { paxHeader, type RawEntry, rawEntry, type TarEntry, tarOf, zipOf } from './makers.ts';
import { tarTruncations, zipTruncations } from './truncations.ts';

export interface Attack {
  readonly group: string;
  readonly name: string;
  readonly make: () => HostileCase;
  /** The ends that are right; `unpacked` and `accepted` are among them only where no harm is in it. */
  readonly ends: readonly string[];
}

const ESCAPES = ['ARCHIVE_ENTRY_ESCAPES'];
const UNUSABLE = ['ARCHIVE_ENTRY_UNUSABLE'];
const CORRUPT = ['ARCHIVE_CORRUPT'];
const TRUNCATED = ['ARCHIVE_TRUNCATED'];
const CONFLICT = ['ARCHIVE_ENTRY_CONFLICT'];
const TOO_LARGE = ['ARCHIVE_TOO_LARGE'];
const LINK_ESCAPES = ['ARCHIVE_LINK_ESCAPES'];

export function corpus(): readonly Attack[] {
  return [
    ...names(),
    ...links(),
    ...kinds(),
    ...numbers(),
    ...extendedHeaders(),
    ...sparseMaps(),
    ...zipLies(),
    ...bombs(),
    ...damage(),
    ...appSpecs(),
  ];
}

function tar(group: string, name: string, parts: readonly Buffer[], ends: readonly string[]): Attack[] {
  const bytes = () => Buffer.concat([...parts, Buffer.alloc(1024)]);
  return [
    { group, name: `${name}, tar`, ends, make: () => ({ kind: 'tar', bytes: bytes() }) },
    { group, name: `${name}, tgz`, ends, make: () => ({ kind: 'tgz', bytes: gzipSync(bytes()) }) },
  ];
}

function zip(group: string, name: string, bytes: Buffer, ends: readonly string[]): Attack {
  return { group, name: `${name}, zip`, ends, make: () => ({ kind: 'zip', bytes }) };
}

function names(): Attack[] {
  const group = 'names';
  const climbing = [
    '../x',
    '..',
    'a/..',
    'a/../../x',
    './../x',
    'a/./../../b',
    '/x',
    '//x',
    '/../x',
    '../beside/sentinel',
  ];
  return [
    ...climbing.flatMap((name) => [
      ...tar(group, `'${name}'`, [rawEntry({ name, content: 'x' })], ESCAPES),
      ...tar(group, `'${name}' by pax`, [paxHeader([`path=${name}`]), rawEntry({ content: 'x' })], ESCAPES),
      ...tar(group, `'${name}' by a long name`, [rawEntry({ type: 'L', content: `${name}\0` }), rawEntry({})], ESCAPES),
      zip(group, `'${name}'`, zipOf([{ path: name, content: 'x' }]), ESCAPES),
    ]),
    ...tar(group, 'a prefix that climbs', [rawEntry({ edit: (block) => block.write('../beside', 345) })], ESCAPES),
    zip(group, 'backslashes of DOS', onDos(zipOf([{ path: '..\\x', content: 'x' }])), ESCAPES),
    ...tar(group, 'no name', [rawEntry({ name: '' })], CONFLICT),
    ...tar(group, 'the root as a file', [rawEntry({ name: '.' })], CONFLICT),
    ...tar(group, 'the root as a link', [rawEntry({ name: './', type: '2', link: '/tmp' })], CONFLICT),
    ...tar(group, 'no UTF-8', [rawEntry({ name: 'a\xff' })], UNUSABLE),
    ...tar(group, 'NUL by pax', [paxHeader(['path=a\0b']), rawEntry({})], UNUSABLE),
    zip(group, 'NUL', zipOf([{ path: 'a\0b', content: 'x' }]), UNUSABLE),
    ...tar(group, 'a part that is too long', [paxHeader([`path=${'a'.repeat(256)}`]), rawEntry({})], UNUSABLE),
    ...tar(group, 'too long', [paxHeader([`path=${'a/'.repeat(3000)}`]), rawEntry({})], UNUSABLE),
    ...tar(
      group,
      'too long below here',
      [paxHeader([`path=${'a/'.repeat(2045)}b`]), rawEntry({})],
      ['ARCHIVE_CANNOT_WRITE'],
    ),
    // Odd, but names of files; nothing shows them raw.
    ...tar(group, 'control characters', [rawEntry({ name: 'a\u001b[31m\n' })], ['unpacked']),
  ];
}

function links(): Attack[] {
  const group = 'links';
  const link = (path: string, linkpath: string): TarEntry => ({ path, type: 'SymbolicLink', linkpath });
  const chain = Array.from({ length: 60 }, (_, n) => link(`l${n}`, n === 59 ? '../../beside' : `l${n + 1}`));
  const hard = (path: string, linkpath: string): TarEntry => ({ path, type: 'Link', linkpath });
  // Where these point to is their own affair: they are made as they are, and refused only where the operator wants it.
  const leadingOut: readonly (readonly [string, readonly TarEntry[]])[] = [
    ['absolute', [link('l', '/etc/passwd')]],
    ['absolute, a folder', [link('l', '/etc'), link('d/m', '/')]],
    ['out', [link('d/l', '../../beside')]],
    ['out through a link', [link('d/up', '..'), link('out', 'd/up/../beside')]],
    ['out of the wrapping folder', [{ path: 'w/appspec.yml' }, link('w/up', '..'), link('w/l', 'up/beside')]],
    ['a long chain out', chain],
    ['a long chain out, backwards', chain.toReversed()],
    ['out, and a second name for it', [link('l', '../../beside/sentinel'), hard('h', 'l')]],
    [
      'a folder of its own beside what it hides',
      [{ path: 'd/x' }, link('e', '../../beside'), link('e2', 'e/sentinel')],
    ],
  ];
  const sets: readonly (readonly [string, readonly TarEntry[], readonly string[]])[] = [
    ['a circle', [link('a', 'b'), link('b', 'a')], ['unpacked']],
    ['itself', [link('a', 'a')], ['unpacked']],
    ['the folder that it lies in', [link('d/a', '.'), link('d/b', '..')], ['unpacked']],
    ['written through', [link('l', '../../beside'), { path: 'l/sentinel', content: 'x' }], ESCAPES],
    ['written through, absolute', [link('l', '/'), { path: 'l/sentinel', content: 'x' }], ESCAPES],
    ['written through, inside', [link('l', 'd'), { path: 'd/x' }, { path: 'l/x', content: 'x' }], ESCAPES],
    ['written through, deep', [link('d/l', '../../../beside'), { path: 'd/./l//e/f', content: 'x' }], ESCAPES],
    ['written through a circle', [link('a', 'b'), link('b', 'a'), { path: 'a/x', content: 'x' }], ESCAPES],
    ['written through a dangling one', [link('l', '../../beside/new'), { path: 'l/x', content: 'x' }], ESCAPES],
    ['a folder through one', [link('l', '../../beside'), { path: 'l/d', type: 'Directory' }], ESCAPES],
    ['a link through one', [link('l', '../../beside'), link('l/m', 'x')], ESCAPES],
    ['a hard link through one', [{ path: 'x' }, link('l', '../../beside'), hard('l/h', 'x')], ESCAPES],
    ['a folder becomes one', [{ path: 'd', type: 'Directory' }, link('d', '../../beside')], CONFLICT],
    ['a folder with content becomes one', [{ path: 'd/x' }, link('d', '../../beside')], CONFLICT],
    ['one becomes a folder', [link('d', '../../beside'), { path: 'd', type: 'Directory' }], CONFLICT],
    // The later one counts, and is a file of its own.
    ['one becomes a file', [link('l', '../../beside/sentinel'), { path: 'l', content: 'x' }], ['unpacked']],
    ['one becomes a second name', [{ path: 'x' }, link('l', '../../beside/sentinel'), hard('l', 'x')], ['unpacked']],
    ['hard, out', [hard('h', '../../beside/sentinel')], ESCAPES],
    ['hard, absolute', [hard('h', '/etc/passwd')], ESCAPES],
    ['hard, to a link', [link('l', 'x'), hard('h', 'l')], ['unpacked']],
    ['hard, to a link, and through it', [link('l', '../../beside'), hard('h', 'l'), { path: 'h/x' }], ESCAPES],
    ['hard, to nothing', [hard('h', 'later'), { path: 'later' }], UNUSABLE],
    ['hard, to a folder', [{ path: 'd', type: 'Directory' }, hard('h', 'd')], UNUSABLE],
    ['hard, through a link', [link('l', '..'), hard('h', 'l/x')], UNUSABLE],
    ['hard, through a link out', [link('l', '../../beside'), hard('h', 'l/sentinel')], UNUSABLE],
  ];
  const zipLink = (path: string, content: string) => ({ path, content, unixMode: 0o120777 });
  const zipOut = [
    ['absolute', zipOf([zipLink('l', '/etc')])],
    ['out', zipOf([zipLink('d/l', '../../beside')])],
  ] as const;
  return [
    ...leadingOut.flatMap(([name, entries]) => [
      ...tar(group, name, [tarOf(entries).subarray(0, -1024)], ['unpacked']),
      ...tar(group, name, [tarOf(entries).subarray(0, -1024)], LINK_ESCAPES).map(strictly),
    ]),
    ...zipOut.flatMap(([name, bytes]) => [
      zip(group, name, bytes, ['unpacked']),
      strictly(zip(group, name, bytes, LINK_ESCAPES)),
    ]),
    ...sets.flatMap(([name, entries, ends]) => tar(group, name, [tarOf(entries).subarray(0, -1024)], ends)),
    zip(group, 'written through', zipOf([zipLink('l', '..'), { path: 'l/x', content: 'x' }]), ESCAPES),
    zip(group, 'written through, absolute', zipOf([zipLink('l', '/tmp'), { path: 'l/x', content: 'x' }]), ESCAPES),
    zip(group, 'a folder becomes one', zipOf([{ path: 'd/x' }, zipLink('d', '../../beside')]), CONFLICT),
    zip(group, 'to nothing', zipOf([zipLink('l', '')]), UNUSABLE),
    zip(group, 'too long', zipOf([zipLink('l', 'a'.repeat(5000))]), UNUSABLE),
  ];
}

/** The same where the operator wants no link that leads out. */
function strictly({ name, make, ...rest }: Attack): Attack {
  return { ...rest, name: `${name}, refused`, make: () => ({ ...make(), rejectSymlinks: 'escaping' }) };
}

function kinds(): Attack[] {
  const group = 'kinds';
  const below: readonly TarEntry[] = [{ path: 'a' }, { path: 'a/b' }];
  return [
    ...[...'346MZ\x01'].flatMap((type) => tar(group, `type ${JSON.stringify(type)}`, [rawEntry({ type })], UNUSABLE)),
    ...[0o020666, 0o060666, 0o010666, 0o140666].map((unixMode) => {
      return zip(group, `mode ${unixMode.toString(8)}`, zipOf([{ path: 'a', unixMode }]), UNUSABLE);
    }),
    ...tar(group, 'a file below a file', [tarOf(below).subarray(0, -1024)], CONFLICT),
    ...tar(group, 'a folder becomes a file', [tarOf([{ path: 'a/b' }, { path: 'a' }]).subarray(0, -1024)], CONFLICT),
    zip(group, 'a file below a file', zipOf([{ path: 'a' }, { path: 'a/b' }]), CONFLICT),
    // The later one counts, as everywhere.
    ...tar(group, 'a file twice', [rawEntry({}), rawEntry({})], ['unpacked']),
  ];
}

function numbers(): Attack[] {
  const group = 'numbers';
  const fields: readonly (readonly [string, string, readonly string[]])[] = [
    ['negative', '\xff'.repeat(12), CORRUPT],
    ['beyond all bounds', `\x80${'\x7f'.repeat(11)}`, CORRUPT],
    ['a petabyte', `\x80${'\0'.repeat(4)}\x04${'\0'.repeat(6)}`, TRUNCATED],
    ['eight gigabytes', '77777777777', TRUNCATED],
    ['no number', '0000000000x', CORRUPT],
    ['a minus', '-0000000001', CORRUPT],
  ];
  const edits: readonly (readonly [string, number, number])[] = [
    ['mode', 100, 8],
    ['user', 108, 8],
    ['group', 116, 8],
    ['time', 136, 12],
  ];
  return [
    ...fields.flatMap(([name, sizeField, ends]) => tar(group, `size ${name}`, [rawEntry({ sizeField })], ends)),
    ...edits.flatMap(([name, at, length]) => {
      const edit = (block: Buffer) => void block.fill('9', at, at + length);
      return tar(group, `${name} that is no number`, [rawEntry({ edit })], CORRUPT);
    }),
    ...tar(group, 'a folder with content', [rawEntry({ name: 'd/', type: '5', sizeField: '77777777777' })], CORRUPT),
    ...tar(group, 'a label with content', [rawEntry({ type: 'V', sizeField: '77777777777' })], CORRUPT),
  ];
}

function extendedHeaders(): Attack[] {
  const group = 'extended headers';
  const text = (content: string, type = 'x') => rawEntry({ name: 'pax', type, content });
  const bad = ['0 path=x\n', '99999 path=x\n', '5 =\n', '9 path=xy', 'path=x\n', '-9 path=x\n', '8 path x\n', '7\n'];
  const sizes = ['-1', '1e9', '0x10', '99999999999999999999', ' 5', '1.5'];
  const flood = (entry: RawEntry) => [...Array.from({ length: 40 }, () => rawEntry(entry)), rawEntry({})];
  return [
    ...bad.flatMap((line) => tar(group, JSON.stringify(line), [text(line), rawEntry({})], CORRUPT)),
    ...sizes.flatMap((size) => tar(group, `size=${size}`, [paxHeader([`size=${size}`]), rawEntry({})], CORRUPT)),
    ...tar(group, 'size beyond the end', [paxHeader(['size=99999']), rawEntry({})], TRUNCATED),
    ...['path=x', 'size=1', 'linkpath=/', 'GNU.sparse.major=1'].flatMap((record) => {
      return tar(group, `global ${record}`, [paxHeader([record], 'g'), rawEntry({})], CORRUPT);
    }),
    ...[...'xgLK'].flatMap((type) => {
      const content = type === 'x' || type === 'g' ? '' : 'a\0';
      return tar(group, `a flood of ${type}`, flood({ type, content }), CORRUPT);
    }),
    ...[...'xgLK'].flatMap((type) => {
      return tar(group, `a huge ${type}`, [rawEntry({ type, sizeField: '00010000000' })], [...CORRUPT]);
    }),
    ...[...'xLK'].flatMap((type) => tar(group, `${type} of nothing`, [rawEntry({ type, content: '' })], CORRUPT)),
  ];
}

function sparseMaps(): Attack[] {
  const group = 'sparse maps';
  const pax = (records: readonly string[], content = '') => [paxHeader(records), rawEntry({ content })];
  const inContent = (map: string) =>
    pax(['GNU.sparse.major=1', 'GNU.sparse.minor=0', 'GNU.sparse.realsize=9'], map.padEnd(512, '\0'));
  const gnu = (edit: (block: Buffer) => void) => rawEntry({ type: 'S', edit });
  const octal = (block: Buffer, at: number, value: number) => block.write(value.toString(8).padStart(11, '0'), at);
  return [
    ...tar(group, 'pieces overlap', pax(['GNU.sparse.size=9', 'GNU.sparse.map=0,5,3,5'], 'x'.repeat(10)), CORRUPT),
    ...tar(group, 'beyond the end', pax(['GNU.sparse.size=9', 'GNU.sparse.map=8,5'], 'xxxxx'), CORRUPT),
    ...tar(group, 'for more than there is', pax(['GNU.sparse.size=99', 'GNU.sparse.map=0,50'], 'xxxxx'), CORRUPT),
    ...tar(group, 'for less than there is', pax(['GNU.sparse.size=99', 'GNU.sparse.map=0,1'], 'xxxxx'), CORRUPT),
    ...tar(group, 'half a piece', pax(['GNU.sparse.size=9', 'GNU.sparse.map=0,5,3'], 'xxxxx'), CORRUPT),
    ...tar(group, 'a huge hole', pax(['GNU.sparse.size=9000000000000', 'GNU.sparse.map=0,1'], 'x'), TOO_LARGE),
    ...tar(
      group,
      'a name that climbs',
      pax(['GNU.sparse.name=../x', 'GNU.sparse.size=1', 'GNU.sparse.map=0,1'], 'x'),
      ESCAPES,
    ),
    ...['x\n', '\n', '99999\n0\n', '1\n0\n', '1\n-1\n0\n', '99999999999999999999\n'].flatMap((map) => {
      return tar(group, `in the content ${JSON.stringify(map)}`, inContent(map), CORRUPT);
    }),
    ...tar(group, 'none in the content', pax(['GNU.sparse.major=1']), CORRUPT),
    ...tar(
      group,
      'GNU: goes on without an end',
      [gnu((block) => (block[482] = 1)), Buffer.alloc(512, 0).fill(1, 504, 505)],
      CORRUPT,
    ),
    ...tar(
      group,
      'GNU: goes on into the end',
      [gnu((block) => (block[482] = 1))],
      ['ARCHIVE_CORRUPT', 'unpacked', ...TRUNCATED],
    ),
    ...tar(group, 'GNU: a negative size', [gnu((block) => block.fill(0xff, 483, 495))], CORRUPT),
    ...tar(group, 'GNU: a huge hole', [gnu((block) => octal(block, 483, 8_000_000_000))], TOO_LARGE),
    ...tar(
      group,
      'GNU: no content for it',
      [gnu((block) => [386, 398, 483].map((at) => octal(block, at, 9)))],
      CORRUPT,
    ),
  ];
}

/** Changes bytes behind the first mark of a kind of record. */
function patched(bytes: Buffer, mark: string, at: number, values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  Buffer.from(values).copy(copy, copy.indexOf(Buffer.from(mark, 'latin1')) + at);
  return copy;
}

const LOCAL = 'PK\u0003\u0004';
const CENTRAL = 'PK\u0001\u0002';
const END = 'PK\u0005\u0006';
const onDos = (bytes: Buffer) => patched(bytes, CENTRAL, 5, [0]);

function zipLies(): Attack[] {
  const group = 'zip';
  const good = zipOf([
    { path: 'a', content: 'hello' },
    { path: 'b', content: 'world' },
  ]);
  const ff = [0xff, 0xff, 0xff, 0xff];
  const locator = Buffer.concat([Buffer.from('PK\u0006\u0007', 'latin1'), Buffer.alloc(16, 1)]);
  const place = good.indexOf(Buffer.from(END, 'latin1'));
  const zip64 = Buffer.concat([good.subarray(0, place), locator, good.subarray(place)]);
  const lies: readonly (readonly [string, Buffer, readonly string[]])[] = [
    ['wrong checksum', zipOf([{ path: 'a', content: 'x', crc: 1 }]), CORRUPT],
    ['more than it claims', zipOf([{ path: 'a', content: 'x'.repeat(9999), claimedSize: 9 }]), CORRUPT],
    ['less than it claims', zipOf([{ path: 'a', content: 'x', claimedSize: 9999 }]), CORRUPT],
    ['another name of its own', zipOf([{ path: 'good', localPath: 'evil', content: 'x' }]), CORRUPT],
    ['another method of its own', patched(good, LOCAL, 8, [0]), CORRUPT],
    ['another checksum of its own', patched(good, LOCAL, 14, [1, 2, 3, 4]), CORRUPT],
    ['no header of its own', patched(good, LOCAL, 0, [0]), CORRUPT],
    ['encrypted', patched(good, CENTRAL, 8, [1, 8]), UNUSABLE],
    ['method 12', patched(good, CENTRAL, 10, [12]), UNUSABLE],
    ['method 99', patched(good, CENTRAL, 10, [99]), UNUSABLE],
    ['stored, but packed', patched(patched(good, CENTRAL, 10, [0]), LOCAL, 8, [0]), CORRUPT],
    ['fewer entries', patched(good, END, 8, [1, 0, 1, 0]), CORRUPT],
    ['more entries', patched(good, END, 8, [3, 0, 3, 0]), CORRUPT],
    ['far more entries', patched(good, END, 8, [0xff, 0xfe, 0xff, 0xfe]), CORRUPT],
    ['more entries than are in this file', patched(good, END, 10, [3, 0]), CORRUPT],
    ['fewer entries than are in this file', patched(good, END, 10, [1, 0]), CORRUPT],
    ['split', patched(good, END, 4, [1, 0, 0, 0]), UNUSABLE],
    ['directory elsewhere', patched(good, END, 16, [1, 0, 0, 0]), CORRUPT],
    ['directory far away', patched(good, END, 16, [0xff, 0xff, 0xff, 0x7f]), CORRUPT],
    ['comment that is not there', patched(good, END, 20, [9, 0]), TRUNCATED],
    ['packed size in zip64 that is not there', patched(good, CENTRAL, 20, ff), CORRUPT],
    ['size in zip64 that is not there', patched(good, CENTRAL, 24, ff), CORRUPT],
    ['place in zip64 that is not there', patched(good, CENTRAL, 42, ff), [...CORRUPT, ...TRUNCATED]],
    ['zip64 without a locator', patched(good, END, 16, ff), CORRUPT],
    ['zip64 with a locator of nothing', patched(zip64, END, 8, ff), CORRUPT],
    ['two entries in one place', patched(good, `${CENTRAL}`, 42, [good.indexOf(LOCAL, 4, 'latin1')]), CORRUPT],
  ];
  return lies.map(([name, bytes, ends]) => zip(group, name, bytes, ends));
}

function bombs(): Attack[] {
  const group = 'bombs';
  const zeros = '\0'.repeat(8 * 1024 * 1024);
  const many = Array.from({ length: 1001 }, (_, n) => ({ path: `f${n}` }));
  const endless = () => gzipSync(Buffer.concat([tarOf([{ path: 'a' }]), Buffer.alloc(80 * 1024 * 1024)]), { level: 1 });
  return [
    ...tar(group, 'zeros', [rawEntry({ content: zeros })], TOO_LARGE),
    zip(group, 'zeros', zipOf([{ path: 'a', content: zeros }]), TOO_LARGE),
    ...tar(group, 'many entries', [tarOf(many).subarray(0, -1024)], ['ARCHIVE_TOO_MANY_ENTRIES']),
    zip(group, 'many entries', zipOf(many), ['ARCHIVE_TOO_MANY_ENTRIES']),
    { group, name: 'no end behind the end, tgz', ends: CORRUPT, make: () => ({ kind: 'tgz', bytes: endless() }) },
  ];
}

function damage(): Attack[] {
  const group = 'damage';
  const wrong = rawEntry({});
  wrong[148] = 0x37;
  const noise = (length: number) => Buffer.from(Array.from({ length }, (_, n) => (n * n * 31 + n * 7 + 1) & 0xff));
  return [
    ...tar(group, 'the first checksum wrong', [wrong], CORRUPT),
    ...tar(group, 'the second checksum wrong', [rawEntry({}), wrong], CORRUPT),
    ...tarTruncations(group),
    ...zipTruncations(group),
    ...(['tar', 'tgz', 'zip'] as const).flatMap((kind) => {
      return [0, 1, 511, 512, 4096].map((length): Attack => {
        const ends = kind === 'zip' || length < 512 ? TRUNCATED : CORRUPT;
        return { group, name: `${length} bytes of noise, ${kind}`, ends, make: () => ({ kind, bytes: noise(length) }) };
      });
    }),
    {
      group,
      name: 'noise behind the mark of gzip',
      ends: CORRUPT,
      make: () => ({ kind: 'tgz', bytes: Buffer.concat([Buffer.from([0x1f, 0x8b]), noise(999)]) }),
    },
  ];
}

function appSpecs(): Attack[] {
  const head = 'version: 0.0\nos: linux\n';
  const levels = Array.from(
    { length: 20 },
    (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]\n`,
  );
  const files = 'files:\n  - source: /\n    destination: /srv\n';
  const texts: readonly (readonly [string, string | Buffer, readonly string[]])[] = [
    [
      'alias bomb',
      `${head}a0: &a0 x\n${levels.join('')}files: *a20\n`,
      ['not-a-mapping', 'not-yaml', 'alias-unresolved', 'too-large'],
    ],
    ['an alias of itself', `${head}files: &a [*a]\n`, ['not-a-mapping', 'not-yaml']],
    ['deep lists', `${head}files: ${'['.repeat(100_000)}`, ['not-yaml']],
    ['deep maps', `${head}files: ${'{a: '.repeat(50_000)}`, ['not-yaml']],
    ['deep sequences', `${head}files:\n  ${'- '.repeat(50_000)}x\n`, ['not-yaml', 'not-a-mapping']],
    ['huge', `${head}${'#'.repeat(300_000)}`, ['too-large']],
    ['a tag that makes code', `${head}files: !!js/function 'x'\n`, ['not-a-list', 'not-yaml']],
    ['binary', Buffer.from(Array.from({ length: 2000 }, (_, n) => (n * 37) & 0xff)), ['not-utf8']],
    ['duplicate keys', `${head}os: linux\n${files}`, ['duplicate-key']],
    ['__proto__', `${head}${files}__proto__: {os: windows}\n`, ['accepted']],
    [
      'constructor as a hook',
      `${head}${files}hooks:\n  constructor:\n    - location: x\n`,
      ['accepted', 'hook-unknown'],
    ],
    ['a merge of itself', `${head}a: &a\n  <<: *a\n`, ['accepted', 'not-yaml']],
    ['empty', '', ['empty']],
    ['a scalar', 'x', ['not-a-mapping']],
  ];
  return texts.map(([name, text, ends]) => ({
    group: 'AppSpec',
    name,
    ends,
    make: () => ({ kind: 'appspec', bytes: Buffer.from(text as string) }),
  }));
}
