/** The bundles that the figures are measured with. */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packBundle } from '../../src/archive/pack.ts';
import type { BundleType } from '../../src/protocol/specification.ts';

/** Parts of a revision. */
export interface Shape {
  readonly name: 'many files' | 'big files';
  readonly folders: number;
  readonly filesPerFolder: number;
  readonly fileBytes: number;
  readonly rounds: number;
}

export const MANY: Shape = { name: 'many files', folders: 400, filesPerFolder: 50, fileBytes: 4096, rounds: 5 };
export const BIG: Shape = { name: 'big files', folders: 4, filesPerFolder: 10, fileBytes: 2 ** 30 / 40, rounds: 3 };

/** Writes a revision with an AppSpec file; `edition` makes the content of every file another. */
export function writeShape(folder: string, shape: Shape, edition: number, destination: string): string {
  // Incompressible, as pictures and packed programs are; the small ones compress as text does.
  const content = Buffer.alloc(shape.fileBytes, `edition ${edition} of the quick brown fox and the lazy dog `);
  for (let n = 0; n < shape.folders; n += 1) {
    const below = join(folder, 'files', `folder-${n}`);
    mkdirSync(below, { recursive: true });
    for (let file = 0; file < shape.filesPerFolder; file += 1) {
      if (shape.name === 'big files') randomFillSync(content);
      else content.writeUInt32LE(n * 1000 + file, 0);
      writeFileSync(join(below, `file-${file}`), content);
    }
  }
  const files = [{ source: 'files', destination }];
  writeFileSync(join(folder, 'appspec.yml'), JSON.stringify({ version: 0.0, os: 'linux', files }));
  return folder;
}

export async function packShape(sourceDir: string, bundleFile: string, bundleType: BundleType): Promise<string> {
  rmSync(bundleFile, { force: true });
  await packBundle({ sourceDir, bundleFile, bundleType });
  return bundleFile;
}
