import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { renderUnit } from '../systemd/unit.ts';
import type { CommonOptions } from './options.ts';

/** `nibox systemd-unit`: the unit file for this nibox, where it is installed. */
export function systemdUnit({ config, prefix }: CommonOptions & { config: string }): void {
  const nibox = realpathSync(process.argv[1]!);
  process.stdout.write(renderUnit({ node: process.execPath, nibox, config: resolve(config), prefix }));
}
