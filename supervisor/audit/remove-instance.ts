import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Namespaces } from '../namespaces/namespaces.ts';
import type { SwitchPorts } from '../switch-ports/switch-ports.ts';

/** Removes what is left of an instance. Throws when an uplink in it can't go home: with the namespace it would be lost. */
export async function removeInstance(
  name: string,
  { namespaces, switchPorts, runDirectory }: { namespaces: Namespaces; switchPorts: SwitchPorts; runDirectory: string },
): Promise<void> {
  const problems = await switchPorts.giveBack(name);
  if (switchPorts.isHolding(name)) throw new Error(problems.join('; ') || 'an uplink of the device is still in it');
  await namespaces.remove(name);
  await rm(join(runDirectory, 'ni', name), { recursive: true, force: true });
}
