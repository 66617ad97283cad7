/** How much may pile up. A collection of the young takes about a millisecond. */
const EACH_BYTES = 4 * 1024 * 1024;

/**
 * Gives back buffers that have been used once. Each takes a few words in V8's heap, which therefore sees no need to collect, but tens of
 * kilobytes of the machine's memory. A stream of a gigabyte would hold fifty megabytes of them. Where collecting is not offered
 * (`--expose-gc`), nothing happens.
 *
 * @returns to be told of each buffer's bytes when it is spent
 */
export function createBufferSweeper(): (spentBytes: number) => void {
  let piledUp = 0;
  return (spentBytes) => {
    piledUp += spentBytes;
    if (piledUp < EACH_BYTES) return;
    piledUp = 0;
    globalThis.gc?.({ type: 'minor' });
  };
}
