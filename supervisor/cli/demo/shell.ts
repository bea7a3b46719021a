import { existsSync } from 'node:fs';
import type { CommonOptions } from '../options.ts';
import { runInteractive } from '../run-interactive.ts';
import { findWorld } from './nibox-in-world.ts';

/** `nibox demo shell`: gives the shell's exit code. */
export async function shell(name: string, { prefix }: CommonOptions): Promise<number> {
  const world = await findWorld(prefix);
  const known = /^[A-Za-z0-9_-]+$/.test(name) && existsSync(`/run/netns/${world.namespace(name)}`);
  if (!known) throw new Error(`there is no namespace ${world.namespace(name)}: take app1, gw, device, ni1 or the like`);
  const { file, args } = world.shell(name);
  return runInteractive(file, args);
}
