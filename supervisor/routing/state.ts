import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Sysctls } from './sysctls.ts';

/** What must outlive the supervisor to find its way back. */
export interface RootState {
  /** Sysctls as they were before the first change. */
  sysctls: Sysctls;
  /** Routing table index by uplink. */
  uplinks: Record<string, number>;
  /** Hashes of the nft table as written and as the kernel then listed it. */
  nft?: { intended: string; listed: string };
}

/** The state file of one prefix. Written by rename, and only when it changes. */
export class StateFile {
  readonly #path: string;
  #written: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** A missing or broken file is a fresh start. */
  async load(): Promise<RootState> {
    const text = await readFile(this.#path, 'utf8').catch(() => '{}');
    let parsed: Partial<RootState> = {};
    try {
      parsed = JSON.parse(text);
    } catch {}
    const { sysctls = {}, uplinks = {}, nft } = parsed;
    return { sysctls, uplinks, ...(nft && { nft }) };
  }

  async save(state: RootState): Promise<void> {
    const text = `${JSON.stringify(state, null, 2)}\n`;
    if (text === this.#written) return;
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFile(`${this.#path}.new`, text, { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
    this.#written = text;
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
    this.#written = undefined;
  }
}
