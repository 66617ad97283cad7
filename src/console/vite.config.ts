/** Builds the console into `dist/console`: `npm run build:console`. Every file is also compressed there, so that the server does not have to. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const OUT = join(import.meta.dirname, '../../dist/console');
/** A smaller file would not become smaller. */
const LEAST_BYTES = 512;

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  build: {
    outDir: OUT,
    emptyOutDir: true,
    // Fonts and pictures are files of their own, so that the policy of the page needs no more than it has.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2_000,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'licences.md' },
    rolldownOptions: {
      // Compressing takes most of the time, which nobody needs to be told each time.
      checks: { pluginTimings: false },
      // The components are marked for servers that render pages; here is none.
      onLog: (level, log, otherwise) => log.code === 'MODULE_LEVEL_DIRECTIVE' || otherwise(level, log),
    },
  },
  plugins: [fontsAsFiles(), compressed()],
});

/** The styles bring their fonts within themselves. As files, a browser loads those alone that it shows, and the policy allows no other. */
function fontsAsFiles(): Plugin {
  return {
    name: 'fonts-as-files',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'asset' || !file.fileName.endsWith('.css')) continue;
        const text = typeof file.source === 'string' ? file.source : Buffer.from(file.source).toString('utf8');
        file.source = text.replace(
          /data:font\/woff2;(?:charset=utf-8;)?base64,([A-Za-z0-9+/=]+)/g,
          (_whole, encoded: string) => {
            const source = Buffer.from(encoded, 'base64');
            const name = `font-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.woff2`;
            this.emitFile({ type: 'asset', fileName: `assets/${name}`, source });
            return name;
          },
        );
      }
    },
  };
}

function compressed(): Plugin {
  return {
    name: 'compressed',
    writeBundle({ dir = OUT }) {
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(css|html|js|svg)$/.test(name)) continue;
        const bytes = readFileSync(join(dir, name));
        if (bytes.length < LEAST_BYTES) continue;
        writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes, { params }));
      }
    },
  };
}
