/**
 * Lets a program go on to its end when the reader of its output has left, as `head` does: it puts away what it has started, and its exit
 * status stays its own. Every program of the repository that prints calls this first.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
