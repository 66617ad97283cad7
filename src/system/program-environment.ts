/**
 * The environment for the system's own programs that this process starts (`sync`, `setfacl`, `getent` and their like). It holds the search
 * path, and a locale in which they speak plain English. They need nothing else, and so get no secrets.
 */
export function programEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  return { PATH: environment['PATH'] || '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
}
