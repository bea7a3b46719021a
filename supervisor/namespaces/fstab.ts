/** One mount of a directory or file on another. */
export interface Bind {
  source: string;
  target: string;
}

/** These mounts, in order, in the format of fstab: `mount -a -T FILE` makes them all. */
export function bindTable(binds: readonly Bind[]): string {
  return binds.map(({ source, target }) => `${escaped(source)} ${escaped(target)} none bind\n`).join('');
}

/** A path as fstab has it: blanks would end it. */
export function escaped(path: string): string {
  return path.replace(/[\\\s]/g, character => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
