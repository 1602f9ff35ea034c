// Keys that a tool reads from a file: in the host's memory, never on its disk, and there only while the
// tool runs. One that a killed agent left behind goes when the next one starts.
import type { HostPort } from './host-port.ts';

const DIRECTORY = '/run/poolkeeper';
const SUFFIX = '.key';

/** The path of the file for one use; `name` is that of no other use on this node. */
export function keyFilePath(name: string): string {
  return `${DIRECTORY}/${name}${SUFFIX}`;
}

/** Only root can read it. Whoever writes one removes it. */
export async function writeKeyFile(host: HostPort, path: string, key: string): Promise<void> {
  await host.makeDirectory(DIRECTORY);
  await host.writeFile(path, `${key}\n`, { mode: 0o600 });
}

/** For the start of an agent: nobody uses one yet. */
export async function removeLeftKeyFiles(host: HostPort): Promise<void> {
  for (const name of (await host.listDirectory(DIRECTORY)) ?? [])
    if (name.endsWith(SUFFIX) || name.endsWith(`${SUFFIX}.new`))
      await host.removeFile(`${DIRECTORY}/${name}`);
}
